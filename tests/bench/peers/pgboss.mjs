// pg-boss draining no-op jobs by fetch and complete, 500 at a time, two loops side by side. Arguments: database URL, jobs.
// Prints {"per_second": …}.
import { PgBoss } from 'pg-boss';

const [url, count] = [process.argv[2], Number(process.argv[3])];
const boss = new PgBoss({ connectionString: url, max: 10, supervise: false, schedule: false });
boss.on('error', (error) => { console.error(error); process.exit(1); });
await boss.start();
const queue = 'nothing';
if (await boss.getQueue(queue)) await boss.deleteQueue(queue);
await boss.createQueue(queue);
for (let at = 0; at < count; at += 5000) {
  const batch = Array.from({ length: Math.min(5000, count - at) }, (_, n) => ({ data: { n: at + n } }));
  await boss.insert(queue, batch);
}

let done = 0;
const loop = async () => {
  for (;;) {
    const jobs = await boss.fetch(queue, { batchSize: 500 });
    if (jobs.length === 0) return;
    await boss.complete(queue, jobs.map((job) => job.id));
    done += jobs.length;
  }
};
const began = process.hrtime.bigint();
await Promise.all([loop(), loop()]);
const seconds = Number(process.hrtime.bigint() - began) / 1e9;
if (done !== count) throw new Error(`${done} of ${count} jobs were done`);
console.log(JSON.stringify({ per_second: count / seconds }));
await boss.stop({ graceful: false });
process.exit(0);
