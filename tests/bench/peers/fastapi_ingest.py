"""FastAPI + asyncpg + JWT, one process on uvloop and httptools: the same row inserted, committed, answered with 201.

Arguments: database URL, schema, port, secret. Serves POST /v1/events until it is ended."""

import json
import sys
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import jwt
import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel

URL, SCHEMA, PORT, SECRET = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
INSERT = f"""
insert into {SCHEMA}.neurolink_events
       (source_module, event_type, payload, branch_id, entity_type, entity_id, producer_idempotency_key)
values ($1, $2, $3::jsonb, $4, $5, $6, $7)
on conflict (source_module, producer_idempotency_key) where producer_idempotency_key is not null do nothing
returning id"""


class Event(BaseModel):
    source_module: str
    event_type: str
    payload: dict[str, Any] = {}
    branch_id: str | None = None
    entity_type: str | None = None
    entity_id: str | None = None
    idempotency_key: str | None = None


@asynccontextmanager
async def lifespan(app):
    app.state.pool = await asyncpg.create_pool(URL, min_size=10, max_size=10)
    yield
    await app.state.pool.close()


app = FastAPI(lifespan=lifespan)


def caller(authorization: str = Header()) -> dict:
    try:
        return jwt.decode(authorization.removeprefix("Bearer "), SECRET, algorithms=["HS256"])
    except jwt.PyJWTError as error:
        raise HTTPException(401, "token_invalid") from error


@app.post("/v1/events", status_code=201)
async def create(event: Event, who: dict = Depends(caller)):
    if "producer" not in who.get("roles", []):
        raise HTTPException(403, "forbidden")
    async with app.state.pool.acquire() as connection:
        id = await connection.fetchval(
            INSERT, event.source_module, event.event_type, json.dumps(event.payload), event.branch_id,
            event.entity_type, event.entity_id, event.idempotency_key,
        )
    if id is None:
        raise HTTPException(409, "idempotency_conflict")
    return {"id": id}


uvicorn.run(app, host="127.0.0.1", port=PORT, loop="uvloop", http="httptools", log_level="warning", access_log=False)
