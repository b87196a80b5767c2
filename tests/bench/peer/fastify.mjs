// What a team would write instead with Node.js: Fastify in a cluster of two processes, a pool of connections, one upsert a request.
// Usage: node fastify.mjs PORT DATABASE_URL
import cluster from 'node:cluster'
import Fastify from 'fastify'
import pg from 'pg'

const [port, url] = process.argv.slice(2)
const upsert = {
  name: 'upsert',
  text: `INSERT INTO object (org_id, kind, object_id, doc, first_at, last_at, last_seq, last_event, last_received)
         VALUES (2, 'opportunity', $1, $2, now(), now(), 0, '', now())
         ON CONFLICT (org_id, kind, object_id) DO UPDATE SET doc = excluded.doc, last_at = excluded.last_at, last_received = excluded.last_received`,
}

if (cluster.isPrimary) {
  for (let i = 0; i < 2; i++) cluster.fork()
} else {
  const { host, port: number } = Object.fromEntries(new URLSearchParams(url.split('?')[1]))
  const pool = new pg.Pool({ user: 'postgres', host, port: Number(number), database: url.split('?')[0].split('/').pop(), max: 16 })
  const app = Fastify()
  app.put('/v1/opportunities/:id', async (request) => {
    await pool.query({ ...upsert, values: [request.params.id, JSON.stringify(request.body)] })
    return { id: request.params.id, outcome: 'accepted' }
  })
  await app.listen({ host: '127.0.0.1', port: Number(port) })
}
