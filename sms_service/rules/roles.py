"""Who may do what in the console. What is not in the table is refused (I18, S31, S32, T9)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

ROLES = ("admin", "safeguarding", "staff", "facilitator", "read_only")

PERMISSIONS: Mapping[str, str] = {
    "see_dashboard": "the start page with counts and health in one line",
    "manage_staff": "accounts, roles, sign-in links",
    "manage_settings": "settings of the service",
    "manage_rota": "who is on duty",
    "manage_directory": "verified service numbers",
    "see_health": "the page of queues, clock, balance and backups",
    "see_audit": "the audit trail, which holds codes only",
    "see_people": "people by code with their contact settings, no identity",
    "manage_people": "enrol, change, consent, PIN, code word, stop and verify",
    "import_people": "participant lists",
    "reveal_identity": "a name or number, with a reason, audited",
    "erase_people": "erase a person for good, with a reason, audited",
    "see_log": "the conversation log and search, flagged texts masked",
    "open_flagged": "the text of a flagged message, with a warning, audited",
    "see_tasks": "call requests and tasks of all groups",
    "work_tasks": "acknowledge, attempt and close call requests and tasks",
    "see_concerns": "red and amber concerns",
    "work_concerns": "acknowledge, attempt and close red and amber concerns",
    "see_groups": "all groups, meetings and attendance",
    "manage_groups": "groups, calendars, meetings, pause windows",
    "mark_attendance": "attendance of any group",
    "write_broadcast": "draft a broadcast, test it, recall it",
    "approve_broadcast": "approve a broadcast written by another",
    "link_unknown": "link an unknown number to a person, with a reason, audited",
    "write_to_one": "free text to one person after the lint",
    "conversations.see": "conversations, their versions, words and diagrams; playing one on the handset",
    "conversations.review": "bring a version in, sign off its words by language, replay it",
    "conversations.publish": "approve and publish a version, with a second person",
    "own_groups": "the person's own groups: counts and meetings",
    "own_attendance": "attendance of own groups",
    "own_meetings": "move or cancel meetings of own groups",
    "own_reminder": "remind one own group",
    "own_tasks": "tasks of own groups, by code",
    "see_reports": "counts of 5 or more",
    "approve_remembrance": "the director's yearly approval of the remembrance text",
    "halt_outbound": "stop all texts to participants",
    "resume_outbound": "let texts to participants go again",
}
"""Every permission and what it opens."""

_ADMIN = frozenset(
    {
        "see_dashboard",
        "manage_staff",
        "manage_settings",
        "manage_rota",
        "manage_directory",
        "see_health",
        "see_audit",
        "see_people",
        "erase_people",
        "see_groups",
        "see_reports",
        "halt_outbound",
        "resume_outbound",
        "conversations.see",
        "conversations.review",
        "conversations.publish",
    }
)
_STAFF = frozenset(
    {
        "see_dashboard",
        "see_health",
        "see_people",
        "manage_people",
        "import_people",
        "reveal_identity",
        "see_log",
        "see_tasks",
        "work_tasks",
        "see_groups",
        "manage_groups",
        "mark_attendance",
        "write_broadcast",
        "approve_broadcast",
        "link_unknown",
        "see_reports",
        "halt_outbound",
        "conversations.see",
    }
)
_SAFEGUARDING = _STAFF | {
    "open_flagged",
    "erase_people",
    "see_concerns",
    "work_concerns",
    "write_to_one",
    "see_audit",
    "resume_outbound",
    "conversations.review",
    "conversations.publish",
}
_FACILITATOR = frozenset({"own_groups", "own_attendance", "own_meetings", "own_reminder", "own_tasks"})
_READ_ONLY = frozenset({"see_dashboard", "see_reports", "conversations.see", "approve_remembrance"})

GRANTED: Mapping[str, frozenset[str]] = {
    "admin": _ADMIN,
    "safeguarding": _SAFEGUARDING,
    "staff": _STAFF,
    "facilitator": _FACILITATOR,
    "read_only": _READ_ONLY,
}
"""The role table; several roles add up."""


def allows(roles: Collection[str], permission: str) -> bool:
    """Whether any of ``roles`` grants ``permission``. An unknown role or permission grants nothing (I18)."""
    return any(permission in GRANTED.get(role, frozenset()) for role in roles)


def may_approve(roles: Collection[str], approver: str, author: str) -> bool:
    """Whether ``approver`` may approve a broadcast of ``author``: the permission, and two different people (S40)."""
    return approver != author and allows(roles, "approve_broadcast")
