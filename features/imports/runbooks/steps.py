"""The steps of a runbook, ready to follow: instructions and commands in the order written."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from features.domain.runbook import SectionRole
from features.formatting import cut_short

_SHELLS = frozenset(
    [
        "bash",
        "sh",
        "shell",
        "zsh",
        "fish",
        "console",
        "shell-session",
        "sh-session",
        "shellsession",
        "terminal",
        "cmd",
        "bat",
        "batch",
        "powershell",
        "ps1",
        "pwsh",
        "commandline",
    ]
)
_QUERIES = frozenset(
    ["promql", "logql", "sql", "psql", "mysql", "kql", "spl", "cypher", "traceql", "influxql"]
)
_PROGRAMS = re.compile(
    r"(?:sudo |watch |time |env )?(?:kubectl|oc|k|helm|docker|podman|crictl|nerdctl|systemctl"
    r"|journalctl|service|curl|wget|ssh|aws|gcloud|az|psql|mysql|mongo|mongosh|redis-cli|etcdctl"
    r"|amtool|promtool|ansible|ansible-playbook|terraform|vault|consul|nomad|git|make|cat|tail"
    r"|grep|less|ls|df|du|top|ps|free|netstat|ss|lsof|dig|nslookup|ping|traceroute|ip|iptables"
    r"|rabbitmqctl|kafka-[\w.-]+|ceph|rbd|nginx|apachectl|pg_ctl|repmgr|patronictl|cqlsh|nodetool"
    r"|mimirtool|cortextool|logcli|tempo-cli|jq|tsh|knife|salt|supervisorctl|kill|pkill|crontab"
    r"|Get-|Restart-|Stop-|Start-|Test-|Set-|Invoke-)\b"
)
_PROMPT = re.compile(r"^\s{0,8}(?:[\w.@~/-]{1,60}\s?)?(?:\$|PS [^>\n]{0,80}>|[A-Z]:\\[^>\n]*>)\s+")
_ROOT_PROMPT = re.compile(r"^\s{0,8}(?:\[?[\w.-]{1,40}@[^#\n]{1,60}\]?)?#\s+")
_SESSIONS = frozenset(("console", "shell-session", "sh-session", "shellsession", "terminal"))
_COMPOUND = re.compile(
    r"(?:\\|\||&&|\{|\(|`)\s*$|<<|^[ \t]+\S|^(?:for|while|until|if|case|function|do|then|done|fi"
    r"|else|esac|\}|\))\b",
    re.MULTILINE,
)
_TABLE_HEAD = re.compile(r"^[A-Z][A-Z()/_-]*(?: {2,}|\t)[A-Z]", re.MULTILINE)
_MOST_STEPS = 40
_LONGEST_STEP = 600


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a list item or a fenced text, in the order of the page."""

    text: str
    is_item: bool = False
    is_code: bool = False
    language: str = ""


def steps_of(chapters: Sequence[tuple[SectionRole, Sequence[Block]]]) -> tuple[str, ...]:
    """Return what to do, in order: first how to find the cause, then how to end the trouble.

    Without either section, the lists and commands of the others; what explains is left out.
    """
    for parts in ((SectionRole.DIAGNOSIS, SectionRole.MITIGATION), (SectionRole.OTHER,)):
        chosen = [blocks for part in parts for about, blocks in chapters if about is part]
        steps = [step for blocks in chosen for step in _steps_in(blocks)]
        if steps:
            return tuple(dict.fromkeys(steps))[:_MOST_STEPS]
    return ()


def commands_of(block: Block) -> tuple[str, ...]:
    """Return the commands of a fenced text without their prompts, none when it shows output.

    >>> commands_of(Block("$ kubectl get pods\\nNAME READY", is_code=True))
    ('kubectl get pods',)
    """
    if not block.is_code or not block.text.strip():
        return ()
    typed = _typed_at_a_prompt(block)
    if typed:
        return tuple(typed)
    if block.language in _QUERIES:
        return (block.text.strip(),)
    if block.language in _SHELLS or (not block.language and _PROGRAMS.match(block.text.strip())):
        return tuple(_commands_in_script(block.text))
    return ()


def _steps_in(blocks: Sequence[Block]) -> Iterator[str]:
    listed = any(block.is_item or commands_of(block) for block in blocks)
    for place, block in enumerate(blocks):
        follows = blocks[place + 1] if place + 1 < len(blocks) else None
        leads_in = follows is not None and bool(commands_of(follows))
        if block.is_code:
            yield from commands_of(block)
        elif block.is_item or leads_in or not listed:
            yield cut_short(block.text, _LONGEST_STEP)


def _typed_at_a_prompt(block: Block) -> list[str]:
    """Return what follows a prompt, with its continued lines; the rest is output."""
    found: list[str] = []
    continued = False
    for line in block.text.splitlines():
        prompt = _PROMPT.match(line) or (
            _ROOT_PROMPT.match(line) if block.language in _SESSIONS else None
        )
        if prompt:
            found.append(line[prompt.end() :])
        elif continued:
            found[-1] += f"\n{line}"
        continued = bool(found) and (bool(prompt) or continued) and line.rstrip().endswith("\\")
    return [command.strip() for command in found if command.strip()]


def _commands_in_script(script: str) -> Iterator[str]:
    """Yield each line with the comments above it; what spans lines stays whole.

    A table, as many programs print it, ends the script.
    """
    script = _TABLE_HEAD.split(script, maxsplit=1)[0]
    if _COMPOUND.search(script):
        yield script.strip()
        return
    above: list[str] = []
    for line in filter(str.strip, script.splitlines()):
        above.append(line.strip())
        if not line.startswith("#"):
            yield "\n".join(above)
            above = []
