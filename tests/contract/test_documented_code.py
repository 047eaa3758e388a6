"""The code that departments copy out of their manual, run as it is printed, against genuine and forged messages.

Python is always tried; Node.js and Java where their tools are on the PATH: the names in brackets say which were.
"""

import ast
import base64
import re
import runpy
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from shared.clock import RealClock

DOCS = Path(__file__).resolve().parents[2] / "docs"
PYTHON, NODE, JAVA = "huying_verify.py", "huying-verify.mjs", "HuyingWebhook.java"
_BLOCK = re.compile(r"^```(?P<language>python|js|java)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)
_NODE = f"""
import {{ BadSignature, verify }} from "./{NODE}";
import {{ readFileSync }} from "node:fs";
for (const line of readFileSync(0, "utf8").trimEnd().split("\\n")) {{
  const [secrets, id, timestamp, signature, body] = line.split(" ").map((each) => Buffer.from(each, "base64"));
  const headers = {{ "webhook-id": `${{id}}`, "webhook-timestamp": `${{timestamp}}`, "webhook-signature": `${{signature}}` }};
  try {{
    const message = verify(`${{secrets}}`.split(","), headers, body);
    console.log(message.order.title === "井盖塌陷" ? "accepted" : "misread");
  }} catch (error) {{
    if (!(error instanceof BadSignature)) throw error;
    console.log("refused");
  }}
}}
"""
_JAVA = """
import java.util.*;
import java.util.stream.*;
class Run {
    public static void main(String[] none) throws Exception {
        Scanner lines = new Scanner(System.in);
        while (lines.hasNextLine()) {
            List<byte[]> part = Stream.of(lines.nextLine().split(" ", -1)).map(Base64.getDecoder()::decode).toList();
            List<String> text = part.stream().map(String::new).toList();
            try {
                HuyingWebhook.verify(List.of(text.get(0).split(",")), text.get(1), text.get(2), text.get(3), part.get(4));
                System.out.println("accepted");
            } catch (HuyingWebhook.BadSignature refused) {
                System.out.println("refused");
            }
        }
    }
}
"""


@dataclass(frozen=True)
class Block:
    page: str
    language: str
    code: str

    @property
    def name(self) -> str:
        """The file it says to be, in its first line; or where it stands."""
        first = self.code.splitlines()[0].split()
        said = [word for word in first if word.endswith((".py", ".mjs", ".js", ".java"))]
        return said[0] if said else f"{self.page}, {self.language}"


def blocks() -> list[Block]:
    pages = ((path.stem, path.read_text("utf-8")) for path in (DOCS / "departments.md", DOCS / "mobile.md"))
    return [Block(page, found["language"], found["code"]) for page, text in pages for found in _BLOCK.finditer(text)]


def documented(name: str) -> str:
    (code,) = [block.code for block in blocks() if block.name == name]
    return code


@dataclass(frozen=True)
class Message:
    """What a receiver has in hand: the secrets it knows, the three headers, the body."""

    secrets: tuple[str, ...]
    message_id: str
    timestamp: str
    signature: str
    body: bytes

    def line(self) -> str:
        parts = (",".join(self.secrets), self.message_id, self.timestamp, self.signature)
        return " ".join(base64.b64encode(part).decode() for part in (*(p.encode() for p in parts), self.body))


def secret(letter: str) -> str:
    return "whsec_" + base64.b64encode(letter.encode() * 32).decode()


OURS, OLD, FOREIGN = secret("a"), secret("b"), secret("c")
BODY = '{"event":{"type":"huying.order.dispatched.v1"},"order":{"title":"井盖塌陷"}}'


def signed(*by: str, at: datetime, body: str = BODY, knows: tuple[str, ...] = (OURS,)) -> Message:
    """As the system sends it: one signature by each secret, made by the standard's own library."""
    message_id = "01a20c38-7d05-707d-aa56-ffb235ad1a00"
    signature = " ".join(Webhook(key).sign(message_id, at, body) for key in by)
    return Message(knows, message_id, str(int(at.timestamp())), signature, body.encode())


def messages() -> dict[str, tuple[str, Message]]:
    """Each with the verdict it deserves."""
    now = RealClock().now()
    genuine, old = signed(OURS, at=now), now - timedelta(minutes=6)
    bare = genuine.signature.removeprefix("v1,")
    return {
        "a genuine message": ("accepted", genuine),
        "a message that took four minutes": ("accepted", signed(OURS, at=now - timedelta(minutes=4))),
        "a message signed by two secrets, ours last": ("accepted", signed(FOREIGN, OURS, at=now)),
        "a message signed by the secret being replaced": ("accepted", signed(OLD, at=now, knows=(OURS, OLD))),
        "a message with a signature of a later version first": (
            "accepted",
            replace(genuine, signature=f"v2,{bare} {genuine.signature}"),
        ),
        "a tampered body": ("refused", replace(genuine, body=BODY.replace("井盖", "路灯").encode())),
        "a body written anew": ("refused", replace(genuine, body=BODY.replace(":", ": ").encode())),
        "an old timestamp": ("refused", signed(OURS, at=old)),
        "a timestamp of tomorrow": ("refused", signed(OURS, at=now + timedelta(days=1))),
        "an old message with a new timestamp": (
            "refused",
            replace(signed(OURS, at=old), timestamp=genuine.timestamp),
        ),
        "another message's id": ("refused", replace(genuine, message_id="01a20c38-7d05-707d-aa56-000000000000")),
        "a wrong secret": ("refused", signed(FOREIGN, at=now)),
        "a signature of an unknown version only": ("refused", replace(genuine, signature=f"v2,{bare}")),
        "half a signature": ("refused", replace(genuine, signature=genuine.signature[:20])),
        "no signature": ("refused", replace(genuine, signature="")),
        "no id": ("refused", replace(genuine, message_id="")),
        "a timestamp that is no number": ("refused", replace(genuine, timestamp="yesterday")),
        "a timestamp of four thousand digits": ("refused", replace(genuine, timestamp="9" * 5000)),
    }


def by_python(folder: Path, asked: Sequence[Message]) -> list[str]:
    (folder / PYTHON).write_text(documented(PYTHON), "utf-8")
    code: dict[str, Any] = runpy.run_path(str(folder / PYTHON))
    return [_python_verdict(code, message) for message in asked]


def _python_verdict(code: dict[str, Any], message: Message) -> str:
    headers = {
        "Webhook-Id": message.message_id,
        "Webhook-Timestamp": message.timestamp,
        "Webhook-Signature": message.signature,
    }
    try:
        read = code["verify"](list(message.secrets), headers, message.body)
    except code["BadSignature"]:
        return "refused"
    return "accepted" if read["order"]["title"] == "井盖塌陷" else "misread"


def by_node(folder: Path, asked: Sequence[Message]) -> list[str]:
    (folder / NODE).write_text(documented(NODE), "utf-8")
    (folder / "run.mjs").write_text(_NODE, "utf-8")
    return _verdicts(["node", "run.mjs"], folder, asked)


def by_java(folder: Path, asked: Sequence[Message]) -> list[str]:
    (folder / JAVA).write_text(documented(JAVA), "utf-8")
    (folder / "Run.java").write_text(_JAVA, "utf-8")
    subprocess.run(["javac", "-encoding", "UTF-8", JAVA, "Run.java"], cwd=folder, check=True)
    return _verdicts(["java", "-cp", ".", "Run"], folder, asked)


def _verdicts(command: list[str], folder: Path, asked: Sequence[Message]) -> list[str]:
    lines = "\n".join(message.line() for message in asked)
    return subprocess.run(
        command, cwd=folder, input=lines, capture_output=True, encoding="utf-8", check=True
    ).stdout.split()


TRIED: dict[str, Callable[[Path, Sequence[Message]], list[str]]] = {"python": by_python}
if shutil.which("node"):
    TRIED["node"] = by_node
if shutil.which("javac"):
    TRIED["java"] = by_java


@pytest.mark.parametrize("language", TRIED)
def test_the_documented_code_accepts_what_the_library_signed_and_refuses_what_was_forged(
    language: str, tmp_path: Path
) -> None:
    """INVARIANT: who copies this code is safe. Breaks when a sample no longer checks body, time, id or secret."""
    cases = messages()
    verdicts = TRIED[language](tmp_path, [message for _, message in cases.values()])
    assert dict(zip(cases, verdicts, strict=True)) == {name: deserved for name, (deserved, _) in cases.items()}


PRINTED = [block for block in blocks() if block.language == "python" or (block.language == "js" and "node" in TRIED)]


@pytest.mark.parametrize("block", PRINTED, ids=lambda block: block.name)
def test_the_printed_code_is_well_formed(block: Block, tmp_path: Path) -> None:
    if block.language == "python":
        ast.parse(block.code, feature_version=(3, 8))
        return
    module = re.search(r"^(import|export) ", block.code, re.MULTILINE) is not None
    file = tmp_path / ("block.mjs" if module else "block.js")
    file.write_text(block.code, "utf-8")
    checked = subprocess.run(["node", "--check", str(file)], capture_output=True, encoding="utf-8", check=False)
    assert checked.stderr == ""


def test_the_manuals_name_no_file_twice() -> None:
    names = [block.name for block in blocks() if "," not in block.name]
    assert {PYTHON, "receiver.py", "poll.py", NODE, "huying.js", "progress-stream.js"} <= set(names)
    assert len(names) == len(set(names))
