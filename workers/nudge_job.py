"""A job as the worker accepts it: one of our three names and nothing besides, whoever wrote it into the queue store (T23).

JSON keeps code out of the arguments, but a job still names the function that is called: any function of any module, with any
arguments. And it names callbacks, which a worker calls for jobs of others that have died.
"""

from __future__ import annotations

from typing import Any

from rq.job import Job

from sms_service import jobs

NAMES = {f"workers.tasks.{kind}": kind for kind in jobs.KINDS}


class NudgeJob(Job):
    """RQ's job without the callbacks; ``kind`` is what it nudges to, None when it is none of ours."""

    @property
    def success_callback(self) -> Any:
        """None is called, whatever the job names."""
        return None

    failure_callback = stopped_callback = success_callback

    @property
    def kind(self) -> str | None:
        """The name of the nudge; None for another function, for any argument, and for data that is not ours to read."""
        try:
            plain = not (self.args or self.kwargs or self.instance)
            return NAMES.get(str(self.func_name)) if plain else None
        except Exception:  # whatever reading it raises, it is not one of ours
            return None

    def _execute(self) -> Any:
        if self.kind is None:
            raise ValueError("this job is no nudge")
        return super()._execute()
