"""A steady load of calls from telephone platforms that repeat what was not answered, as real ones do."""

import threading
import uuid
from dataclasses import dataclass, field
from typing import Self

import httpx

TEXTS = (
    "和平社区后巷的垃圾堆了三天没有人清运，气味很大，请尽快处理。",
    "工地半夜两点还在打桩，吵得整栋楼都睡不着，请管一管。",
    "坪山大道路口的路灯坏了一个星期，晚上很黑，老人走路不安全。",
    "请问小学一年级入学需要准备哪些材料？",
    "小区门口的井盖破了一个大洞，随时会有人掉下去。",
)


@dataclass
class Calls:
    """Threads that post calls until stopped; `acknowledged` are the case numbers of the 201s, by idempotency key."""

    url: str
    api_key: str
    threads: int = 4
    acknowledged: dict[str, str] = field(default_factory=dict)
    refused: list[int] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._workers = [threading.Thread(target=self._post, args=(n,)) for n in range(self.threads)]

    def __enter__(self) -> Self:
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for worker in self._workers:
            worker.join()

    def _post(self, lane: int) -> None:
        number = 0
        headers = {"Authorization": f"Bearer {self.api_key}"}
        with httpx.Client(base_url=self.url, timeout=10, trust_env=False, headers=headers) as client:
            while not self._stop.is_set():
                number += 1
                self._until_answered(client, str(uuid.uuid4()), TEXTS[(lane + number) % len(TEXTS)])

    def _until_answered(self, client: httpx.Client, key: str, text: str) -> None:
        """The same call under the same key until there is an answer; gives up only when the test is over."""
        for _ in range(400):
            try:
                answer = client.post("/v1/calls", json=call(key, text), headers={"Idempotency-Key": key})
            except httpx.TransportError:
                self._stop.wait(0.1)
                continue
            if answer.status_code == 201:
                self._note(key, answer.json()["case_no"])
                return
            self.refused.append(answer.status_code)
            if answer.status_code not in (429, 503, 409):
                return
            self._stop.wait(0.1)

    def _note(self, key: str, case_no: str) -> None:
        known = self.acknowledged.setdefault(key, case_no)
        if known != case_no:
            self.doubled.append(key)


def call(key: str, text: str) -> dict[str, object]:
    number = int(key.replace("-", "")[:8], 16)
    return {"call_id": key, "caller": {"phone": f"138{number % 100_000_000:08d}"}, "text": text}
