"""What the watch shows to Prometheus: tokens, passwords and certificates, also when replaced."""

import base64
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from serving.runtime.credentials import Credentials, UnreadableCredentials
from serving.runtime.errors import BadWatchConfig
from serving.runtime.http_client import RequestFailed
from serving.watch.config import Endpoint, load_config

CONFIG = """
prometheus: {{url: http://127.0.0.1:9090, {options}}}
groups: [{{name: shop, series: [{{query: up, name: up}}]}}]
"""


class Listener:
    """A server that keeps the headers, with TLS if it is given a context."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.authorizations: list[str | None] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                listener.authorizations.append(self.headers["Authorization"])
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        scheme = "http" if context is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def listener():
    opened = Listener()
    yield opened
    opened.close()


def ask(url, **options):
    client = Endpoint.model_validate({"url": url, **options}).client()
    try:
        return client.get("/")
    finally:
        client.close()


def test_without_credentials_nothing_is_shown(listener):
    ask(listener.url)
    assert listener.authorizations == [None]


def test_a_token_is_shown_and_read_anew_when_its_file_is_replaced(listener, tmp_path):
    ask(listener.url, authorization={"credentials": "t-1"})
    file = tmp_path / "token"
    file.write_text("t-2\n")
    client = Endpoint.model_validate(
        {"url": listener.url, "authorization": {"credentials_file": str(file)}}
    ).client()
    client.get("/")
    file.write_text("t-3\n")
    client.get("/")
    client.close()
    assert listener.authorizations == ["Bearer t-1", "Bearer t-2", "Bearer t-3"]


def test_user_and_password_are_shown(listener, tmp_path):
    file = tmp_path / "password"
    file.write_text("pass:wörd\n")
    ask(listener.url, basic_auth={"username": "ana", "password_file": str(file)})
    kind, encoded = listener.authorizations[0].split()
    assert (kind, base64.b64decode(encoded).decode()) == ("Basic", "ana:pass:wörd")


def test_a_missing_token_file_fails_the_request_and_says_which(listener, tmp_path):
    with pytest.raises(RequestFailed, match=r"cannot read .*token"):
        ask(listener.url, authorization={"credentials_file": str(tmp_path / "token")})
    assert listener.authorizations == []


@pytest.fixture
def authority(tmp_path):
    """A self-signed certificate of 127.0.0.1, which server and client both show."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    subprocess.run([*command, *files], check=True, capture_output=True)
    return tmp_path


def test_the_server_is_verified_and_gets_the_clients_certificate(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "cert.pem", authority / "key.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority / "cert.pem")
    listener = Listener(context)
    files = {
        name: str(authority / f"{name.partition('_')[0]}.pem") for name in ("cert_file", "key_file")
    }
    trusted = {"ca_file": str(authority / "cert.pem")}
    try:
        status, _ = ask(listener.url, tls_config=trusted | files)
        assert status == 200
        with pytest.raises(RequestFailed):
            ask(listener.url, tls_config=trusted)
        with pytest.raises(RequestFailed, match="certificate"):
            ask(listener.url, tls_config=files)
    finally:
        listener.close()


def test_certificates_that_are_none_are_refused_at_start(tmp_path):
    file = tmp_path / "cert.pem"
    file.write_text("no certificate")
    with pytest.raises(UnreadableCredentials, match=r"cert\.pem"):
        Credentials(cert_file=file).tls_context()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("authorization: {}", "either credentials or credentials_file"),
        ("basic_auth: {username: a}", "either password or password_file"),
        ("authorization: {credentials: a}, basic_auth: {username: a, password: b}", "either auth"),
        ("tls_config: {key_file: a}", "key_file needs cert_file"),
        ("bearer_token: abc", "unknown key"),
    ],
)
def test_contradicting_credentials_are_refused(tmp_path, options, says):
    file = tmp_path / "watch.yaml"
    file.write_text(CONFIG.format(options=options))
    with pytest.raises(BadWatchConfig, match=says):
        load_config(file)


def test_secrets_are_not_printed(tmp_path):
    file = tmp_path / "watch.yaml"
    file.write_text(CONFIG.format(options="authorization: {credentials: s3cret}"))
    assert "s3cret" not in repr(load_config(file))
