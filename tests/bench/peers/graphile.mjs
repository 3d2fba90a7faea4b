// graphile-worker draining no-op jobs as its own documentation tunes it: local queue, batched completion, a silent logger (it
// writes a line a job otherwise, which costs it a quarter). Arguments: database URL, jobs. Prints {"per_second": …}.
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';

const [url, count] = [process.argv[2], Number(process.argv[3])];
const pool = new pg.Pool({ connectionString: url, max: 10 });
const silent = new Logger(() => () => {});
const utils = await makeWorkerUtils({ pgPool: pool, logger: silent });
await utils.migrate();
await pool.query('delete from graphile_worker._private_jobs');
await pool.query(
  "select graphile_worker.add_jobs(array(select json_populate_record(null::graphile_worker.job_spec, json_build_object('identifier', 'nothing', 'payload', json_build_object('n', n))) from generate_series(1, $1::int) n))",
  [count],
);
await pool.query('vacuum analyze graphile_worker._private_jobs');

let done = 0;
let finish;
const finished = new Promise((resolve) => { finish = resolve; });
const began = process.hrtime.bigint();
const runner = await run({
  pgPool: pool,
  logger: silent,
  noHandleSignals: true,
  taskList: { nothing: async () => { if (++done === count) finish(); } },
  preset: {
    worker: {
      concurrentJobs: 24,
      pollInterval: 2000,
      maxPoolSize: 10,
      localQueue: { size: 500 },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
    },
  },
});
await finished;
// Batched completions are still on their way when the last task has ended.
for (;;) {
  const { rows } = await pool.query('select exists (select from graphile_worker._private_jobs) as left');
  if (!rows[0].left) break;
  await new Promise((resolve) => setTimeout(resolve, 3));
}
const seconds = Number(process.hrtime.bigint() - began) / 1e9;
console.log(JSON.stringify({ per_second: count / seconds }));
await runner.stop();
await pool.end();
process.exit(0);
