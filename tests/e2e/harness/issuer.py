"""An issuer of tokens: keys made by the openssl program, and tokens signed
with them (RFC 7515, 7518, 8037)."""

import base64
import hashlib
import hmac
import json
import pathlib
import subprocess
import tempfile
import time

KINDS = {
    "RS": ("RSA", "rsa_keygen_bits:2048"),
    "PS": ("RSA", "rsa_keygen_bits:2048"),
    "ES256": ("EC", "ec_paramgen_curve:P-256"),
    "ES384": ("EC", "ec_paramgen_curve:P-384"),
    "EdDSA": ("ED25519", None),
}


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def part(value):
    return base64url(json.dumps(value).encode())


def claims_of(user="ada", seconds=3600, **more):
    """Claims of a good token; None removes one."""
    claims = {"sub": user, "aud": "hub", "exp": int(time.time()) + seconds,
              **more}
    return {name: value for name, value in claims.items()
            if value is not None}


def hs256(secret, claims, **header):
    signed = f"{part({'alg': 'HS256', **header})}.{part(claims)}"
    mac = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64url(mac)}"


def der_integers(der):
    """The two numbers of an ECDSA signature."""
    at, numbers = 2 if der[1] < 0x80 else 3, []
    for _ in range(2):
        length = der[at + 1]
        numbers.append(int.from_bytes(der[at + 2:at + 2 + length], "big"))
        at += 2 + length
    return numbers


class Key:
    """A pair of keys for one algorithm."""

    def __init__(self, algorithm, kid=None):
        self.algorithm, self.kid = algorithm, kid
        self.scratch = tempfile.TemporaryDirectory(prefix="hub-issuer-")
        self.path = pathlib.Path(self.scratch.name) / "key.pem"
        kind, option = KINDS.get(algorithm) or KINDS[algorithm[:2]]
        self.openssl("genpkey", "-algorithm", kind,
                     *(("-pkeyopt", option) if option else ()),
                     "-out", self.path)

    def openssl(self, *arguments, **how):
        return subprocess.run(["openssl", *map(str, arguments)], check=True,
                              capture_output=True, **how).stdout

    def close(self):
        self.scratch.cleanup()

    # -- the public half ------------------------------------------------

    def pem(self):
        return self.openssl("pkey", "-in", self.path, "-pubout").decode()

    def private_pem(self):
        return self.path.read_text()

    def certificate(self):
        return self.openssl("req", "-new", "-x509", "-key", self.path,
                            "-subj", "/CN=issuer", "-days", 1).decode()

    def jwk(self, **members):
        der = self.openssl("pkey", "-in", self.path, "-pubout",
                           "-outform", "DER")
        if self.algorithm == "EdDSA":
            key = {"kty": "OKP", "crv": "Ed25519", "x": base64url(der[-32:])}
        elif self.algorithm[:2] == "ES":
            size = int(self.algorithm[2:]) // 8
            key = {"kty": "EC", "crv": f"P-{self.algorithm[2:]}",
                   "x": base64url(der[-2 * size:-size]),
                   "y": base64url(der[-size:])}
        else:
            modulus = self.openssl("rsa", "-in", self.path, "-modulus",
                                   "-noout").decode().strip().split("=")[1]
            key = {"kty": "RSA", "n": base64url(bytes.fromhex(modulus)),
                   "e": "AQAB"}
        if self.kid:
            key["kid"] = self.kid
        return {**key, **members}

    # -- tokens ---------------------------------------------------------

    def sign(self, data):
        path = self.path.parent / "input"
        path.write_bytes(data)
        if self.algorithm == "EdDSA":
            return self.openssl("pkeyutl", "-sign", "-rawin", "-inkey",
                                self.path, "-in", path)
        padding = () if self.algorithm[0] != "P" else (
            "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:-1")
        signature = self.openssl("dgst", f"-sha{self.algorithm[2:]}", *padding,
                                 "-sign", self.path, path)
        if self.algorithm[:2] == "ES":
            size = int(self.algorithm[2:]) // 8
            signature = b"".join(number.to_bytes(size, "big")
                                 for number in der_integers(signature))
        return signature

    def token(self, claims=None, **header):
        head = {"alg": self.algorithm, "typ": "JWT", **header}
        if self.kid:
            head.setdefault("kid", self.kid)
        signed = f"{part(head)}.{part(claims or claims_of())}"
        return f"{signed}.{base64url(self.sign(signed.encode()))}"


def jwks(*keys):
    return json.dumps({"keys": [key if isinstance(key, dict) else key.jwk()
                                for key in keys]})
