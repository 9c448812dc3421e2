"""Search over sealed texts: truncated keyed word hashes that point at text hashes; flagged texts are never indexed (T13)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Column, Connection, Integer, LargeBinary, Table, func, select

from sms_service.models.base import insert_ignore, metadata

text_word = Table(
    "text_word",
    metadata,
    Column("word", Integer, primary_key=True, autoincrement=False),
    Column("text_hash", LargeBinary, primary_key=True, index=True),
)


def index(db: Connection, texts: Mapping[bytes, Iterable[int]]) -> None:
    """Make texts findable: by the hash of each the hashes of its words. In one order, so that two who do so wait in line."""
    rows = sorted((digest, word) for digest, words in texts.items() for word in set(words))
    if rows:
        insert_ignore(db, text_word, [{"word": word, "text_hash": digest} for digest, word in rows])


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
