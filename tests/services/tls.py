"""Certificates for servers of ours on loopback and for the clients they let in."""

from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization as forms

from tests.services.process import LOOPBACK


@dataclass(frozen=True)
class Certificates:
    """PEM files: who signs, a server's pair (one file with both, and each alone), a client's."""

    ca: Path
    server: Path
    server_cert: Path
    server_key: Path
    client_cert: Path
    client_key: Path


def make_certificates(folder: Path) -> Certificates:
    """Make an authority, and a server and a client it has signed."""
    authority = trustme.CA()
    server, client = authority.issue_cert(LOOPBACK, "localhost"), authority.issue_cert("client")
    made = Certificates(
        **{name: folder / f"{name}.pem" for name in Certificates.__dataclass_fields__}
    )
    authority.cert_pem.write_to_path(made.ca)
    key = forms.load_pem_private_key(server.private_key_pem.bytes(), None)
    pkcs8 = key.private_bytes(  # the only form that Java takes
        forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption()
    )
    made.server.write_bytes(pkcs8 + server.cert_chain_pems[0].bytes())
    server.cert_chain_pems[0].write_to_path(made.server_cert)
    server.private_key_pem.write_to_path(made.server_key)
    client.cert_chain_pems[0].write_to_path(made.client_cert)
    client.private_key_pem.write_to_path(made.client_key)
    return made
