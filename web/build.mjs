// Builds the dashboard: node web/build.mjs OUT. Writes OUT/index.html and OUT/assets/NAME-HASH.*, nothing else, and says how large a
// first load is. The page is read-only data afterwards: the binary embeds it, no Node is needed to run.
import { build } from 'esbuild'
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const home = dirname(fileURLToPath(import.meta.url))

/** What esbuild is asked, for the build and for web/dev.mjs. */
export const options = out => ({
	absWorkingDir: home,
	entryPoints: { main: 'src/main.tsx', icon: 'src/icon.svg' },
	outdir: join(out, 'assets'),
	bundle: true,
	splitting: true,
	format: 'esm',
	target: ['es2022'],
	jsx: 'automatic',
	jsxImportSource: 'preact',
	entryNames: '[name]-[hash]',
	chunkNames: '[name]-[hash]',
	assetNames: '[name]-[hash]',
	loader: { '.svg': 'copy', '.woff2': 'file' },
	minify: true,
	legalComments: 'none',
	metafile: true,
	logLevel: 'warning'
})

/** The page names what it needs at once, so that the browser asks for it in one go: the entry, its style and what they import. */
export function page(metafile, out) {
	const outputs = Object.entries(metafile.outputs).map(([path, output]) => ({ path: resolve(home, path), ...output }))
	const entry = outputs.find(output => output.entryPoint === 'src/main.tsx')
	const url = path => `/assets/${basename(path)}`
	const imported = entry.imports.filter(({ kind }) => kind === 'import-statement').map(({ path }) => resolve(home, path))
	const icon = outputs.find(output => output.path.endsWith('.svg'))
	const html = readFileSync(join(home, 'src/index.html'), 'utf8')
		.replace('{{icon}}', url(icon.path))
		.replace('{{style}}', url(entry.cssBundle))
		.replace('{{script}}', url(entry.path))
		.replace('{{preload}}', imported.map(path => `<link rel="modulepreload" href="${url(path)}">`).join('\n\t'))
	writeFileSync(join(out, 'index.html'), html)
	return [join(out, 'index.html'), entry.path, resolve(home, entry.cssBundle), ...imported]
}

async function main(out) {
	const fresh = `${out}.new`
	rmSync(fresh, { recursive: true, force: true })
	mkdirSync(fresh, { recursive: true })
	const { metafile } = await build(options(fresh))
	const first = page(metafile, fresh)
	const packed = paths => paths.reduce((sum, path) => sum + gzipSync(readFileSync(path)).length, 0)
	const all = [join(fresh, 'index.html'), ...readdirSync(join(fresh, 'assets')).map(name => join(fresh, 'assets', name))]
	const kib = bytes => `${(bytes / 1024).toFixed(1)} KiB`
	console.log(`  WEB	${out} (gzip: ${kib(packed(first))} to begin with, ${kib(packed(all))} with every page)`)
	rmSync(out, { recursive: true, force: true })
	renameSync(fresh, out)
}

if (resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
	if (process.argv.length !== 3) {
		console.error('usage: node web/build.mjs OUT')
		process.exit(2)
	}
	await main(resolve(process.argv[2]))
}
