"""The generator: a program of a soak, run in a session. It prints its text and counts it in its ledger.

    program.py print NUMBER LEDGER --rate BYTES_A_SECOND --pause SECONDS
    program.py flood NUMBER LEDGER --ahead BYTES --slots CHECKERS   as fast as it is checked
    program.py echo NUMBER LEDGER                                   what is typed; its checker types the text

`--plant lost|doubled|changed|last` makes a fault that checkers must find. Standard library only.
"""

import argparse
import os
import random
import select
import sys
import time
import tty

sys.path.insert(0, os.path.dirname(__file__))

from text import Ledger, Text

PAUSE_SECONDS = 0.25
"""Between two looks whether it is to stop."""
FAULT_AT = 4_000
FAULT_BYTES = 100
PORTION = 64 << 10


class Printer:
    """Prints a text to the end of a write, and counts."""

    def __init__(self, number: int, ledger: Ledger, fault: str | None) -> None:
        self.text, self.ledger, self.fault = Text(number), ledger, fault
        self.at = 0

    def print(self, count: int) -> None:
        """The next so many bytes of the text."""
        piece = self.text.piece(self.at, self.at + count)
        if self.fault is not None and self.fault != "last" and self.at <= FAULT_AT < self.at + count:
            piece = memoryview(self._spoiled(bytes(piece), FAULT_AT - self.at))
            self.fault = None
        while piece:
            piece = piece[os.write(1, piece) :]
        self.at += count
        self.ledger.written = self.at

    def _spoiled(self, piece: bytes, at: int) -> bytes:
        before, after = piece[:at], piece[at:]
        if self.fault == "lost":
            return before + after[FAULT_BYTES:]
        if self.fault == "doubled":
            return before + after[:FAULT_BYTES] + after
        return before + b"#" + after[1:]

    def finish(self) -> None:
        """Nothing more comes."""
        if self.fault == "last":
            self.ledger.written = self.at + 1
        self.ledger.done = True


def steady(printer: Printer, rate: int, pause: float) -> None:
    """Portions of many sizes, so many bytes a second in all, each so many seconds."""
    chance = random.Random(os.getpid())
    began, due = time.monotonic(), 0.0
    while not printer.ledger.stop:
        due += rate * pause
        while printer.at < due:
            printer.print(chance.randint(1, max(2, int(rate * pause))))
        time.sleep(max(0.0, began + due / rate - time.monotonic()))


def flood(printer: Printer, ahead: int, slots: int) -> None:
    """As fast as the checkers follow."""
    chance, ledger = random.Random(os.getpid()), printer.ledger
    while not ledger.stop:
        room = min(ledger.checked(slot) for slot in range(slots)) + ahead - printer.at
        if room > 0:
            printer.print(min(room, chance.randint(1, PORTION)))
        else:
            time.sleep(0.002)


def echo(printer: Printer) -> None:
    """Whatever is typed is printed; what it should be is the checkers' to know."""
    ledger = printer.ledger
    while not ledger.stop:
        if select.select([0], [], [], PAUSE_SECONDS)[0]:
            data = memoryview(os.read(0, PORTION))
            printer.at += len(data)
            while data:
                data = data[os.write(1, data) :]
            ledger.written = printer.at


def main() -> None:
    """Print until the ledger says stop, then stay."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("print", "flood", "echo"))
    parser.add_argument("number", type=int)
    parser.add_argument("ledger")
    parser.add_argument("--rate", type=int, default=2_000)
    parser.add_argument("--pause", type=float, default=PAUSE_SECONDS)
    parser.add_argument("--ahead", type=int, default=1 << 20)
    parser.add_argument("--slots", type=int, default=1)
    parser.add_argument("--plant", choices=("lost", "doubled", "changed", "last"))
    options = parser.parse_args()
    tty.setraw(1)
    printer = Printer(options.number, Ledger(options.ledger), options.plant)
    printer.ledger.ready = True
    match options.kind:
        case "print":
            steady(printer, options.rate, options.pause)
        case "flood":
            flood(printer, options.ahead, options.slots)
        case _:
            echo(printer)
    printer.finish()
    sys.stdin.buffer.read(1)


if __name__ == "__main__":
    main()
