"""Must somebody act before a resource that is not Ready goes on? kstatus (Flux, Helm) and Argo CD's health ask that.

What may come without a change of the resource itself, because something that it names is made later or a queue or a
quota empties, is waited for: Ready is False and it goes on by itself. Everything else is Stalled.
"""

from modelward.decide import parents
from modelward.decide.script import NOT_FOUND as SCRIPT_NOT_FOUND
from modelward.decide.source_secret import SECRET_NOT_FOUND

MAY_COME = frozenset(
    {
        *("DatasetNotFound", "DatasetNotReady", "VersionNotFound", "ModelVersionNotFound", "SourceClaimNotFound"),
        *(parents.NOT_FOUND, parents.NOT_READY, SCRIPT_NOT_FOUND, SECRET_NOT_FOUND, "SecretNotFound"),
        *("FailedCreate", "Unschedulable", "NotStarting", "NoPod", "EngineMissing"),
    }
)
"""Reasons of Ready=False."""
