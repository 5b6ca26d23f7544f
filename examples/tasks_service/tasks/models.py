"""The service's own tables."""

from sqlalchemy.orm import foreign, relationship
from sqlmodel import Field, Relationship, SQLModel, col

from chat_persistence import Conversation


class User(SQLModel, table=True):
    __tablename__ = "users"

    id: str = Field(primary_key=True)
    conversations: list[Conversation] = Relationship(
        sa_relationship=relationship(
            Conversation, primaryjoin=lambda: col(User.id) == foreign(Conversation.user_id), viewonly=True
        )
    )


class Task(SQLModel, table=True):
    __tablename__ = "tasks"

    id: int | None = Field(default=None, primary_key=True)
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    title: str = Field(max_length=100, unique=True)
