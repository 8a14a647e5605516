"""Recordings: runs that come with the app, and the clock by which they are seen at any speed."""

from dataclasses import dataclass
from pathlib import Path

from training.runs import Runs

RECORDINGS = Runs(Path(__file__).parents[1] / "assets" / "recordings")


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Stood at `position` when the wall's monotonic clock said `since`, and goes `speed` times as fast.

    A speed of 0 is a pause. All times are seconds; `end` is how long the recording is.
    """

    end: float
    position: float = 0.0
    since: float = 0.0
    speed: float = 0.0

    def at(self, now: float) -> float:
        """How much of the recording has been seen."""
        return min(self.end, self.position + self.speed * max(0.0, now - self.since))

    def over(self, now: float) -> bool:
        return self.at(now) >= self.end

    def turned(self, now: float, speed: float) -> "Clock":
        """The same moment, at another speed. From the end, playing begins again."""
        start = 0.0 if speed and self.over(now) else self.at(now)
        return Clock(end=self.end, position=start, since=now, speed=speed)

    def moved(self, now: float, position: float) -> "Clock":
        """Another moment, at the same speed."""
        return Clock(end=self.end, position=min(max(position, 0.0), self.end), since=now, speed=self.speed)
