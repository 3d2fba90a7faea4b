"""procrastinate draining no-op jobs. Arguments: database URL, jobs. Prints {"per_second": …}."""

import asyncio
import json
import logging
import sys
import time

import procrastinate

url, count = sys.argv[1], int(sys.argv[2])
logging.disable(logging.CRITICAL)
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url, min_size=4, max_size=12))


@app.task(name="nothing")
async def nothing(n):
    pass


async def main():
    async with app.open_async():
        there = await app.connector.execute_query_one_async(
            "select to_regclass('procrastinate_jobs') is not null as there"
        )
        if not there["there"]:
            await app.schema_manager.apply_schema_async()
        await nothing.batch_defer_async(*({"n": n} for n in range(count)))
        began = time.perf_counter()
        await app.run_worker_async(wait=False, concurrency=10, install_signal_handlers=False, delete_jobs="always")
        seconds = time.perf_counter() - began
        left = await app.connector.execute_query_one_async("select count(*) as n from procrastinate_jobs where status = 'todo'")
        assert left["n"] == 0, left
        print(json.dumps({"per_second": count / seconds}))


asyncio.run(main())
