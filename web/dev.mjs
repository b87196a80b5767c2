// The dashboard from its sources, built anew when one changes, in front of a running service: node web/dev.mjs URL. Everything but the page
// itself is passed on. Listens on 127.0.0.1:PORT (default 8090).
import { context } from 'esbuild'
import { createReadStream, existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { createServer, request as ask } from 'node:http'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { options, page } from './build.mjs'

const upstream = new URL(process.argv[2] ?? 'http://127.0.0.1:8080')
const port = Number(process.env.PORT ?? 8090)
const out = mkdtempSync(join(tmpdir(), 'plumbline-web-'))
const TYPES = { js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml', html: 'text/html; charset=utf-8' }
// What the service says of its own pages; what breaks it must break here too.
const POLICY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"

const writePage = {
	name: 'page',
	setup: build => build.onEnd(({ metafile, errors }) => {
		if (errors.length === 0) page(metafile, out)
		console.log(errors.length === 0 ? `built ${new Date().toLocaleTimeString()}` : 'does not build')
	})
}
const watching = await context({ ...options(out), minify: false, sourcemap: 'linked', plugins: [writePage] })
await watching.watch()

function file(name, response) {
	const path = join(out, name === 'index.html' ? name : join('assets', basename(name)))
	if (!existsSync(path)) return void response.writeHead(404).end()
	response.writeHead(200, { 'Content-Type': TYPES[path.split('.').pop()] ?? 'application/octet-stream', 'Cache-Control': 'no-store', 'Content-Security-Policy': POLICY })
	createReadStream(path).pipe(response)
}

function pass(incoming, response) {
	const headers = { ...incoming.headers, host: upstream.host }
	const outgoing = ask(new URL(incoming.url, upstream), { method: incoming.method, headers }, answer => {
		response.writeHead(answer.statusCode, answer.headers)
		answer.pipe(response)
	})
	outgoing.on('error', error => response.headersSent ? response.destroy() : response.writeHead(502).end(error.message))
	incoming.pipe(outgoing)
}

// The key of `make run`, to sign in with.
const keyFile = new URL('../.local/key', import.meta.url)
const key = existsSync(keyFile) ? readFileSync(keyFile, 'utf8').trim() : null

createServer((incoming, response) => {
	const path = incoming.url.split('?')[0]
	if (path === '/') file('index.html', response)
	else if (path.startsWith('/assets/')) file(path, response)
	else pass(incoming, response)
}).listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${port}${key ? `/#key=${key}` : ''} in front of ${upstream.href}`))
