// Runs checks of the dashboard in a real browser and says of each what became of it, a line of JSON each: node run.mjs SET [--list].
// PLUMBLINE_URL, PLUMBLINE_KEY: the service and a key that may do everything; PLUMBLINE_SCREENSHOTS: where pictures go.
import { mkdirSync } from 'node:fs'
import { stop } from './browser.mjs'
import { checks as figures } from './figure-checks.mjs'
import { checks as frame } from './frame-checks.mjs'
import { allDrawn, checksOf } from './page-checks.mjs'

const SETS = { frame, figures, 'pages-figures': checksOf('figures'), 'pages-deals': checksOf('deals'), 'pages-settings': checksOf('settings'), 'all-drawn': allDrawn() }
const checks = SETS[process.argv[2]]
const only = process.env.PLUMBLINE_CHECK && new RegExp(process.env.PLUMBLINE_CHECK)

if (process.argv[3] === '--list') {
	for (const { name } of checks) console.log(name)
} else {
	const screenshots = process.env.PLUMBLINE_SCREENSHOTS
	mkdirSync(screenshots, { recursive: true })
	for (const { name, run } of checks) {
		if (only && !only.test(name)) continue
		const begun = Date.now()
		const said = await run({ screenshots }).then(note => ({ ok: true, note: note ?? null }), error => ({ ok: false, note: String(error.stack ?? error) }))
		console.log(JSON.stringify({ name, ms: Date.now() - begun, ...said }))
	}
	await stop()
}
