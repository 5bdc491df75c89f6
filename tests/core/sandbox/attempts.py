"""Runs a sound network, its suite and attempts to get out, and prints what came of each: `attempts.py BOUNDARY`."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from neuromosaic.core.brief import TensorSpec
from neuromosaic.core.errors import NeuromosaicError, WorkerError
from neuromosaic.core.protocols import Program
from neuromosaic.core.sandbox.process import ProcessSandbox
from neuromosaic.core.signature import Signature

SIGNATURE = Signature(inputs=(TensorSpec(shape=(4,)),), outputs=(TensorSpec(shape=(2,)),))
SOURCE = """
import colorsys, os, socket
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, x):
        BODY
        return self.layer(x)
"""
SUITE = """
import torch
from model import Model


def test_it(tmp_path):
    torch.save(Model().state_dict(), tmp_path / "weights.pt")
    assert len(torch.load(tmp_path / "weights.pt")) == 2
"""
WAYS_OUT = (
    "open('/etc/passwd')", "os.listdir('/tmp')", "open(VICTIM).read()", "open(VICTIM, 'w')", "os.remove(VICTIM)",
    "os.rename(VICTIM, 'mine')", "os.truncate(VICTIM, 0)", "os.open(VICTIM, os.O_RDONLY | os.O_TRUNC)",
    "os.chmod(VICTIM, 0o777)", "os.link(VICTIM, 'mine')", "os.symlink(VICTIM, 'mine')", "os.listdir('..')",
    "open(os.__file__, 'a')", "socket.socket()", "os.fork()", "os.kill(1, 0)", "os.execv('/bin/true', ['true'])",
    "os.chroot('.')", "os.setsid()",
)  # fmt: skip
"""VICTIM is a file that the test has made for this: where there is no wall, the attempts do what they say."""


def program(body: str) -> Program:
    return Program(SOURCE.replace("BODY", body), {}, 0)


def outcome(sandbox: ProcessSandbox, way: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        victim = Path(folder, "victim")
        victim.write_text("precious")
        return tried(sandbox, way.replace("VICTIM", repr(str(victim))))


def tried(sandbox: ProcessSandbox, body: str) -> str:
    try:
        sandbox.export(program(body), SIGNATURE)
    except NeuromosaicError as error:
        return str(error)
    return "done"


def facts_of(sandbox: ProcessSandbox) -> dict[str, Any]:
    try:
        return {
            "level": sandbox.boundary, "export": sandbox.export(program("pass"), SIGNATURE).graph is not None,
            "suite": sandbox.test(SUITE, program("pass")).outcomes,
            "ways": {way: outcome(sandbox, way) for way in WAYS_OUT},
        }  # fmt: skip
    except WorkerError as error:
        return {"refused": str(error), "cause": error.cause}


if __name__ == "__main__":
    chosen = ProcessSandbox(boundary=sys.argv[1])  # type: ignore[arg-type]
    print(json.dumps(facts_of(chosen)))
    chosen.close()
