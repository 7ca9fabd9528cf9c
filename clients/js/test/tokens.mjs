// tokens.mjs - a hubd that wants tokens or tickets, and tokens as a backend
// mints them.
import { createHmac } from 'node:crypto';

const SECRET = 'an example of a secret that is long enough';

// Tokens are good to the second, and are told of a second before their end.
export const TOKEN_SETTINGS = {
  HUB_CLIENT_AUTH: 'jwt,ticket',
  HUB_JWT_SECRET: SECRET,
  HUB_JWT_AUDIENCE: 'hub',
  HUB_JWT_LEEWAY: '0s',
  HUB_EXPIRY_WARNING: '1s',
  HUB_EXPIRY_GRACE: '1s',
};

const encode = (part) =>
  Buffer.from(JSON.stringify(part)).toString('base64url');

// One for a user, for so many seconds from now.
export function mint(user, seconds = 3600) {
  const claims = {
    sub: user, aud: 'hub', exp: Math.ceil(Date.now() / 1000) + seconds,
  };
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  const digest = createHmac('sha256', SECRET).update(signed);
  return `${signed}.${digest.digest('base64url')}`;
}
