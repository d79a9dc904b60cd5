"""What the service shows to another server: a token or a password, and certificates."""

import ssl
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from features.errors import PrecedentError


class UnreadableCredentials(PrecedentError):
    """A file with a token, a password or a certificate cannot be read."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A bearer token, or a user with a password, and the files of TLS.

    Files of tokens and passwords are read for each request, because they are replaced while the
    service runs.
    """

    token: str | None = None
    token_file: Path | None = None
    username: str | None = None
    password: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def authorization(self) -> str | None:
        """Return the value of the header, None without one; raises `UnreadableCredentials`.

        >>> Credentials(username="ana", password="secret").authorization()
        'Basic YW5hOnNlY3JldA=='
        """
        if self.username is not None:
            password = self.password or _secret_in(self.password_file) or ""
            pair = f"{self.username}:{password}".encode()
            return f"Basic {b64encode(pair).decode()}"
        token = self.token or _secret_in(self.token_file)
        return None if token is None else f"Bearer {token}"

    def tls_context(self) -> ssl.SSLContext:
        """Return what verifies the server and shows the client's certificate.

        Raises `UnreadableCredentials`.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.cert_file is not None:
                context.load_cert_chain(self.cert_file, self.key_file)
        except (OSError, ssl.SSLError) as error:
            files = [self.ca_file, self.cert_file, self.key_file]
            named = ", ".join(str(file) for file in files if file is not None)
            raise UnreadableCredentials(
                f"cannot use the certificates in {named} ({error}); give PEM files that this user "
                "may read"
            ) from error
        return context


def _secret_in(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableCredentials(f"cannot read {file} ({error})") from error
