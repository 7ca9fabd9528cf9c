"""Tokens as a backend mints them (RFC 7519), with what Python has."""

import base64
import hashlib
import hmac
import json
import time

SECRET = "an example of a secret that is long enough"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def encode(part):
    return base64url(json.dumps(part, separators=(",", ":")).encode())


def hs256(claims, secret=SECRET, **header):
    """A token that the secret has signed."""
    head = {"alg": "HS256", "typ": "JWT", **header}
    signed = f"{encode(head)}.{encode(claims)}"
    digest = hmac.new(secret.encode(), signed.encode(), hashlib.sha256)
    return f"{signed}.{base64url(digest.digest())}"


def token(user, seconds=3600, secret=SECRET, **claims):
    """One for a user, for `seconds` from now; None removes a claim."""
    all_claims = {"sub": user, "aud": "hub", "exp": int(time.time() + seconds),
                  **claims}
    return hs256({name: value for name, value in all_claims.items()
                  if value is not None}, secret)


def offered(credential, kind="token"):
    """The header with which a page shows it."""
    return ("Sec-WebSocket-Protocol", f"hub.v1, hub.{kind}.{credential}")
