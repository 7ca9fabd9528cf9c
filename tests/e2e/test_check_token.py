"""hubd --check-token, and what --check-config says about keys: tokens signed
by the openssl program, and invalid settings."""

import os
import pathlib
import re
import subprocess
import tempfile

from harness.daemon import run_to_end
from harness.issuer import Key, claims_of, hs256, jwks
from harness.testcase import Assertions
from harness.wait import HUBD

import unittest

SECRET = "a secret of more than thirty-two bytes"
API_KEY = "0123456789abcdef-api"


class TokenCase(Assertions):

    def setUp(self):
        self.require("openssl")
        scratch = tempfile.TemporaryDirectory(prefix="hub-tokens-")
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)

    def key(self, algorithm, kid=None):
        key = Key(algorithm, kid)
        self.addCleanup(key.close)
        return key

    def file(self, text, name="keys"):
        path = self.scratch / name
        path.write_text(text)
        os.chmod(path, 0o600)
        return path

    def check(self, token, **settings):
        """The one line that is printed, with the status."""
        settings.setdefault("HUB_JWT_AUDIENCE", "hub")
        code, out, err = run_to_end("--check-token",
                                    str(self.file(token + "\n", "token")),
                                    **settings)
        self.assertIn(code, (0, 1), err)
        self.assertEqual(len(out.splitlines()), 1, out)
        return code, out.strip()

    def assertGood(self, token, user="ada", **settings):
        code, line = self.check(token, **settings)
        self.assertEqual(code, 0, line)
        self.assertTrue(line.startswith(f'good: user="{user}"'), line)
        self.assertRegex(line, r" expires_in_s=3[56]\d\d$")
        return line

    def assertRefused(self, token, reason, **settings):
        code, line = self.check(token, **settings)
        self.assertEqual(code, 1, line)
        self.assertRegex(line, f"^refused: .*{reason}")
        return line

    def assertWrong(self, *wanted, **settings):
        """hubd neither starts with them nor checks a token."""
        for flags in ((), ("--check-config",), ("--check-token", "-")):
            code, out, err = run_to_end(*flags, HUB_API_KEY=API_KEY,
                                        HUB_CLIENT_AUTH="jwt",
                                        **settings)
            self.assertEqual(code, 78, (flags, out, err))
            lines = [line for line in err.splitlines()
                     if line.startswith("hubd: ")]
            self.assertEqual(len(lines), 1, err)
            for text in wanted:
                self.assertIn(text, lines[0])


class Tokens(TokenCase):

    def test_each_algorithm_from_each_kind_of_file(self):
        for algorithm in ("RS256", "RS512", "PS256", "ES256", "ES384",
                          "EdDSA"):
            key = self.key(algorithm, "k-1")
            token = key.token()
            for text in (jwks(key), key.pem(), key.certificate()):
                with self.subTest(algorithm, text=text[:12]):
                    line = self.assertGood(
                        token, HUB_JWT_KEYS_FILE=self.file(text),
                        HUB_JWT_ALGORITHMS=algorithm)
                    self.assertEqual('kid="k-1"' in line, text[0] == "{")

    def test_a_secret_and_the_previous_one(self):
        token = hs256(SECRET, claims_of())
        self.assertGood(token, HUB_JWT_SECRET=SECRET)
        path = self.file(f"another {SECRET}\n{SECRET}\n", "secret")
        self.assertGood(token, HUB_JWT_SECRET_FILE=path)
        self.file(f"another {SECRET}\n", "secret")
        self.assertRefused(token, "signature", HUB_JWT_SECRET_FILE=path)

    def test_a_token_on_standard_input(self):
        done = subprocess.run(
            [HUBD, "--check-token", "-", "--jwt-audience=hub"],
            input=hs256(SECRET, claims_of()).encode() + b"\r\n",
            env={"PATH": os.environ["PATH"], "HUB_JWT_SECRET": SECRET},
            capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done)
        self.assertIn(b'user="ada"', done.stdout)

    def test_what_a_token_is_refused_for(self):
        for claims, reason in (
                (claims_of(aud="else"), "HUB_JWT_AUDIENCE"),
                (claims_of(aud=None), "HUB_JWT_AUDIENCE"),
                (claims_of(iss="else"), "HUB_JWT_ISSUER"),
                (claims_of(exp=None), "never expires"),
                (claims_of(exp="1"), "exp is not a time"),
                (claims_of(nbf=4000000000), "not valid yet"),
                (claims_of(user=None), "no user id"),
                (claims_of(user="a\nb"), "user id is invalid"),
                (claims_of(seconds=-60), "has expired")):
            claims.setdefault("iss", "me")
            with self.subTest(reason):
                self.assertRefused(hs256(SECRET, claims), reason,
                                   HUB_JWT_SECRET=SECRET, HUB_JWT_ISSUER="me")
        self.assertRefused("no token", "three parts", HUB_JWT_SECRET=SECRET)
        self.assertRefused("", "empty", HUB_JWT_SECRET=SECRET)
        self.assertRefused("x" * 20000, "longer", HUB_JWT_SECRET=SECRET)

    def test_one_that_has_expired_is_otherwise_good(self):
        line = self.assertRefused(hs256(SECRET, claims_of(seconds=-31)),
                                  "expired", HUB_JWT_SECRET=SECRET)
        self.assertTrue(line.endswith('otherwise it would be good: user="ada"'),
                        line)

    def test_ids_in_other_claims(self):
        token = hs256(SECRET, claims_of(realm={"user": {"id": "b\u00f6b"}},
                                        sid="s-1"))
        line = self.assertGood(token, "b\u00f6b", HUB_JWT_SECRET=SECRET,
                               HUB_JWT_USER_CLAIM="/realm/user/id",
                               HUB_JWT_SESSION_CLAIM="sid")
        self.assertIn('session="s-1"', line)

    def test_a_file_that_is_not_there(self):
        code, out, err = run_to_end("--check-token", "/nonexistent",
                                    HUB_JWT_SECRET=SECRET,
                                    HUB_JWT_AUDIENCE="hub")
        self.assertEqual((code, out), (78, ""), err)
        self.assertIn("No such file", err)


class Settings(TokenCase):

    def test_what_cannot_be(self):
        key = self.key("ES256")
        public = self.file(key.pem(), "public")
        private = self.file(key.pem() + key.private_pem(), "private")
        audience = {"HUB_JWT_AUDIENCE": "hub"}
        self.assertWrong("HUB_JWT_AUDIENCE", HUB_JWT_SECRET=SECRET)
        self.assertWrong("HUB_JWT_SECRET", "HUB_JWT_SECRET_FILE", "both",
                         HUB_JWT_SECRET=SECRET, HUB_JWT_SECRET_FILE=public,
                         **audience)
        self.assertWrong("HUB_JWT_SECRET", "HUB_JWT_KEYS_FILE", "both",
                         HUB_JWT_SECRET=SECRET, HUB_JWT_KEYS_FILE=public,
                         **audience)
        self.assertWrong("HUB_JWT_ALGORITHMS", HUB_JWT_KEYS_FILE=public,
                         HUB_JWT_ALGORITHMS="ES256,HS256", **audience)
        self.assertWrong("HUB_JWT_SECRET", "32 bytes",
                         HUB_JWT_SECRET=SECRET[:31], **audience)
        self.assertWrong("HUB_JWT_SECRET", "64 bytes",
                         HUB_JWT_SECRET=SECRET, HUB_JWT_ALGORITHMS="HS512",
                         **audience)
        self.assertWrong("HUB_JWT_GROUPS_CLAIM", HUB_JWT_GROUPS_CLAIM="g")
        for path, reason in ((private, "private key"),
                             (self.file("{}", "none"), "no array named keys"),
                             ("/nonexistent", "No such file")):
            code, _, err = run_to_end("--check-config", HUB_API_KEY=API_KEY,
                                      HUB_JWT_KEYS_FILE=path, **audience)
            self.assertEqual(code, 78, err)
            self.assertIn(f"HUB_JWT_KEYS_FILE={path}: ", err)
            self.assertIn(reason, err)

    def test_no_secret_is_ever_shown(self):
        path = self.file(f"{SECRET}\n{SECRET} \n", "secret")
        for settings in ({"HUB_JWT_SECRET": SECRET},
                         {"HUB_JWT_SECRET": SECRET + " "},
                         {"HUB_JWT_SECRET": SECRET[:30]},
                         {"HUB_JWT_SECRET_FILE": path}):
            _, out, err = run_to_end("--check-config", HUB_API_KEY=API_KEY,
                                     HUB_JWT_AUDIENCE="hub", **settings)
            self.assertNotIn(SECRET[:30], out + err)

    def test_keys_are_listed(self):
        rsa, ec = self.key("RS256", "a b"), self.key("ES256")
        text = jwks(rsa.jwk(alg="PS256"), ec, rsa.jwk(use="enc", kid="x"),
                    {"kty": "EC", "crv": "secp256k1", "kid": "y"})
        code, out, err = run_to_end(
            "--check-config", HUB_API_KEY=API_KEY, HUB_JWT_AUDIENCE="hub",
            HUB_JWT_KEYS_FILE=self.file(text))
        self.assertEqual(code, 0, err)
        listed = re.findall(r"(?m)^# HUB_JWT_KEYS_FILE: (.*)$", out)
        self.assertEqual(listed, [
            "kid=a b type=RSA bits=2048 alg=PS256",
            "kid=- type=P-256 bits=256 alg=ES256",
            "kid=x type=RSA: left out: it has a use other than sig",
            "kid=y type=EC: left out: it is not RSA, P-256, P-384 or "
            "Ed25519"])

    def test_a_secret_for_everybody_is_warned_of(self):
        path = self.file(SECRET, "secret")
        os.chmod(path, 0o644)
        code, _, err = run_to_end("--check-config", HUB_API_KEY=API_KEY,
                                  HUB_JWT_AUDIENCE="hub",
                                  HUB_JWT_SECRET_FILE=path)
        self.assertEqual(code, 0, err)
        self.assertIn(f"HUB_JWT_SECRET_FILE={path}: other users", err)


if __name__ == "__main__":
    unittest.main()
