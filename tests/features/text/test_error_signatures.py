"""Error signatures: codes in one spelling, stack frames without varying parts."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.text.error_signatures import error_codes, error_signatures, stack_frames

JAVA = """java.lang.RuntimeException: basket 12
\tat java.base/java.util.HashMap.get(HashMap.java:12)
\tat com.shop.Basket$$EnhancerBySpring$$1a2b.add(Basket.java:{line})
\tat com.shop.Cart.lambda$run$0(Cart.java:1)
\t... 23 more
Caused by: java.sql.SQLTimeoutException: ORA-01013"""
PYTHON = """Traceback (most recent call last):
  File "/app/shop/main.py", line {line}, in run
    run()
  File "/app/shop/basket.py", line 30, in add
  File "/usr/lib/python3.11/site-packages/x/y.py", line 3, in get
KeyError: 'x'"""
NET = """System.NullReferenceException: Object reference
   at System.Web.Page.Load(Int32 a)
   at Shop.Basket.Add(Item item) in C:\\shop\\Basket.cs:line {line}"""
JAVASCRIPT = """TypeError: x is null
    at processTicksAndRejections (node:internal/process/task_queues:95:5)
    at async Basket.add (file:///app/x.js:{line}:5)"""
GO = """panic: runtime error: index out of range
goroutine 1 [running]:
main.(*Basket).Add(0xc000{line}, 0x1)
\t/app/main.go:{line} +0x1d
runtime.main()"""
C = """Program received SIGSEGV
#0  0x00007f{line} in memcpy (a=1) at x.c
#1  0x00007f in ns::Basket::add (this=0x0) at y.cc:{line}"""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ora-600 [17]", "ORA-00600"),
        ("TNS-12541: no listener", "TNS-12541"),
        ("got HTTP/1.1 502 Bad Gateway", "HTTP 502"),
        ("http status code: 503", "HTTP 503"),
        ("error 404 on the page", "HTTP 404"),
        ("shows 500 Internal Server Error", "HTTP 500"),
        ("update ends in 0x80070005", "0x80070005"),
        ("error code: -2147467259", "0x80004005"),
        ("SQLSTATE[42p01]", "SQLSTATE 42P01"),
        ("SQLCODE=-911", "SQLCODE -911"),
        ("exited with code 137", "exit code 137"),
        ("exit status 1", "exit code 1"),
        ("backup ended, rc=12", "exit code 12"),
        ("Fehlernummer 3155", "error 3155"),
        ("Event ID 7031", "event 7031"),
        ("[Errno 28] No space left", "ENOSPC"),
        ("connect ECONNREFUSED 10.0.0.1", "ECONNREFUSED"),
        ("shows E1234", "E1234"),
        ("AADSTS50076 at login", "AADSTS50076"),
        ("exploits cve-2021-44228", "CVE-2021-44228"),
        ("NET::ERR_CERT_DATE_INVALID", "ERR_CERT_DATE_INVALID"),
        ("DNS_PROBE_FINISHED_NXDOMAIN", "DNS_PROBE_FINISHED_NXDOMAIN"),
        ("550 5.7.1 relay denied", "SMTP 5.7.1"),
        ("pod is in CrashLoopBackOff", "CrashLoopBackOff"),
        ("killed by SIGSEGV", "SIGSEGV"),
        ("java.lang.NullPointerException: basket", "NullPointerException"),
        ("ValueError: no", "ValueError"),
    ],
)
def test_code(text: str, wanted: str) -> None:
    assert error_codes(text) == {wanted}


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "error",
            "An Exception",
            "exit code 0",
            "status 200",
            "error at 12:30",
            "EXIT",
            "SHOP-77",
        ),
        *("call 503 555 0100", "address 0x7ffe1234", "room 404", "500 users", "ERRORS everywhere"),
        *("event id 5286271", "v4.5.1", "Terror 12", "Fehler im Drucker", "INC0012345"),
    ],
)
def test_ordinary_text_has_no_code(text: str) -> None:
    assert not error_signatures(text)


@pytest.mark.parametrize(
    ("trace", "wanted"),
    [
        (JAVA, {"at com.shop.Basket.add", "at com.shop.Cart.lambda$run"}),
        (PYTHON, {"at basket.add", "at main.run"}),
        (NET, {"at Shop.Basket.Add"}),
        (JAVASCRIPT, {"at Basket.add"}),
        (GO, {"at main.(*Basket).Add"}),
        (C, {"at memcpy", "at ns::Basket::add"}),
    ],
)
def test_frames_of_a_trace_without_what_varies(trace: str, wanted: set[str]) -> None:
    one, other = trace.replace("{line}", "12"), trace.replace("{line}", "345")
    assert stack_frames(one) == wanted
    assert error_signatures(one) == error_signatures(other) >= wanted


def test_library_frames_stand_in_where_there_is_nothing_else() -> None:
    assert stack_frames("x\n\tat java.util.Map.get(Map.java:3)") == {"at java.util.Map.get"}


def test_only_the_top_of_a_long_trace_counts() -> None:
    trace = "\n".join(f"\tat com.shop.Deep.step{chr(97 + at % 26)}(D.java:1)" for at in range(500))
    assert stack_frames(f"x\n{trace}") == {f"at com.shop.Deep.step{letter}" for letter in "abc"}


def test_log_of_many_codes_gives_a_bounded_number() -> None:
    assert len(error_codes(" ".join(f"E{n}" for n in range(1000, 3000)))) == 32


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert all(signature.strip() for signature in error_signatures(text))


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "A",
            "A_",
            "E_",
            "error",
            "error ",
            "exit with ",
            "0x",
            "404 ",
            "404",
            "http ",
            "SQLSTATE",
            "a1",
        ),
        *(
            "\nat a.b(",
            '\n  File "a',
            "\n#0 a",
            "\ngoroutine a.b(",
            "\nat ",
            "aException",
            "é",
            "ORA-",
        ),
        *("error code:     ", "\n ", '\nFile "/', "java.", "\nat " + "a" * 400),
    ],
)
def test_longest_text_is_read_quickly(piece: str) -> None:
    started = time.process_time()
    error_signatures((piece * 200_000)[:200_000])
    assert time.process_time() - started < 1
