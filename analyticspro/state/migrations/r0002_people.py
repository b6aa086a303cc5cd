"""Persons, links, sessions and strikes; the audit log; mails."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_INSTANT = sa.DateTime(timezone=True)
_WORD = sa.String(20)
_DIGEST = sa.String(64)
_THERE = sa.text("removed_at IS NULL")


def upgrade() -> None:
    """Make the tables of persons, of the audit log and of mails."""
    _people()
    _links()
    _sessions()
    op.create_table(
        "strikes",
        sa.Column("key", _DIGEST, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("last_at", _INSTANT, nullable=False),
        sa.Column("locked_until", _INSTANT),
        sa.PrimaryKeyConstraint("key", name="pk_strikes"),
    )
    op.create_index("ix_strikes_last_at", "strikes", ["last_at"])
    _audit()
    _keep_entries()
    _mails()


def _people() -> None:
    op.create_table(
        "people",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("email", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("role", _WORD, nullable=False),
        sa.Column("standing", _WORD, nullable=False),
        sa.Column("password_hash", sa.String),
        sa.Column("verified_at", _INSTANT),
        sa.Column("joined_at", _INSTANT, nullable=False),
        sa.Column("changed_at", _INSTANT, nullable=False),
        sa.Column("removed_at", _INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
    )
    op.create_index(
        "uq_people_email",
        "people",
        ["email"],
        unique=True,
        sqlite_where=_THERE,
        postgresql_where=_THERE,
    )


def _links() -> None:
    op.create_table(
        "links",
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("kind", _WORD, nullable=False),
        sa.Column("email", sa.String, nullable=False),
        sa.Column("person_id", sa.Integer),
        sa.Column("role", _WORD),
        sa.Column("made_by", sa.String, nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_links"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_links_person_id"),
    )
    op.create_index("ix_links_email", "links", ["email", "kind"])


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("origin", sa.String, nullable=False),
        sa.Column("agent", sa.String, nullable=False),
        sa.Column("started_at", _INSTANT, nullable=False),
        sa.Column("seen_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("digest", name="uq_sessions_digest"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_sessions_person_id"),
    )
    op.create_index("ix_sessions_person_id", "sessions", ["person_id"])


def _audit() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("seq", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("who", sa.String, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("origin", sa.String, nullable=False),
        sa.Column("allowed", sa.Boolean, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("digest", _DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit_entries"),
    )
    op.create_index("ix_audit_entries_at", "audit_entries", ["at"])
    op.create_index("ix_audit_entries_who", "audit_entries", ["who"])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("digest", _DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "digest": ""}])


def _keep_entries() -> None:
    """Let the database itself refuse to change or delete an entry."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_entries_no_{verb.lower()} BEFORE {verb} ON audit_entries "
                "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_entries_stay() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"
    )
    for verb, each in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER audit_entries_stay_{each.lower()} BEFORE {verb} ON audit_entries "
            f"FOR EACH {each} EXECUTE FUNCTION audit_entries_stay()"
        )


def _mails() -> None:
    op.create_table(
        "mails",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("message_id", sa.String, nullable=False),
        sa.Column("key", sa.String),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("recipient", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("content", sa.LargeBinary),
        sa.Column("state", _WORD, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("attempts_allowed", sa.Integer, nullable=False),
        sa.Column("not_before", _INSTANT, nullable=False),
        sa.Column("owner", sa.String),
        sa.Column("lease_until", _INSTANT),
        sa.Column("queued_at", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT),
        sa.Column("error", sa.String),
        sa.PrimaryKeyConstraint("id", name="pk_mails"),
    )
    op.create_index("uq_mails_message_id", "mails", ["message_id"], unique=True)
    op.create_index("uq_mails_key", "mails", ["key"], unique=True)
    op.create_index("ix_mails_state", "mails", ["state", "not_before"])
