"""Search over sealed texts: truncated keyed word hashes that point at text hashes; flagged texts are never indexed (T13)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Column, Connection, Integer, LargeBinary, Table, func, select

from sms_service.models.base import insert_ignore, metadata

text_word = Table(
    "text_word",
    metadata,
    Column("word", Integer, primary_key=True, autoincrement=False),
    Column("text_hash", LargeBinary, primary_key=True, index=True),
)


def index(db: Connection, text_hash: bytes, words: Iterable[int]) -> None:
    insert_ignore(db, text_word, [{"word": word, "text_hash": text_hash} for word in sorted(set(words))])


def texts_with(db: Connection, words: Sequence[int], limit: int) -> Sequence[bytes]:
    """Hashes of texts that hold every word (hash collisions wanted: the caller opens the few and compares)."""
    wanted = sorted(set(words))
    if not wanted:
        return []
    query = (
        select(text_word.c.text_hash)
        .where(text_word.c.word.in_(wanted))
        .group_by(text_word.c.text_hash)
        .having(func.count() == len(wanted))
        .limit(limit)
    )
    return db.execute(query).scalars().all()
