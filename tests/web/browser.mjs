// A Chromium, signed in, that remembers what must not happen: errors, broken policies, requests to anybody else.
import assert from 'node:assert/strict'
import { chromium } from 'playwright-core'
import { stands } from './pages.mjs'

export const base = process.env.PLUMBLINE_URL
export const key = process.env.PLUMBLINE_KEY

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
export const SIZES = { wide: { width: 1280, height: 860 }, phone: { width: 390, height: 844 } }

let browser
export const start = async () => (browser ??= await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: FLAGS }))
export const stop = () => browser?.close()

/** The API with the key itself, to hold pages against. */
export async function api(path, options = {}) {
	const response = await fetch(base + path, { ...options, headers: { Authorization: `Bearer ${options.key ?? key}`, ...options.headers } })
	assert.ok(response.ok, `${path}: ${response.status} ${await response.clone().text()}`)
	return options.text ? response.text() : response.status === 204 ? null : response.json()
}

/** Its address, with what stands in braces filled in. */
export async function addressOf({ path, query }) {
	let filled = path
	for (const [, name] of path.matchAll(/\{(\w+)\}/g)) filled = filled.replace(`{${name}}`, await stands[name](api))
	return `${base}/#${filled}${query ? `?${query}` : ''}`
}

const inFlight = new WeakMap()

/** A tab of its own; `faults` collects what must not happen. */
export async function tab({ size = 'wide', scheme = 'light', permissions = [] } = {}) {
	const context = await (await start()).newContext({ viewport: SIZES[size], colorScheme: scheme, permissions, acceptDownloads: true })
	const page = await context.newPage()
	const faults = []
	const waiting = new Set()
	inFlight.set(page, waiting)
	page.on('request', request => waiting.add(request))
	for (const end of ['requestfinished', 'requestfailed']) page.on(end, request => waiting.delete(request))
	page.on('pageerror', error => faults.push(`error: ${error.stack ?? error}`))
	page.on('console', message => {
		// an answer of 4xx or 5xx is what some checks are about; the page says it itself
		if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) faults.push(`console: ${message.text()}`)
	})
	page.on('request', request => {
		if (!request.url().startsWith(`${base}/`) && !request.url().startsWith('blob:')) faults.push(`request to ${request.url()}`)
	})
	await page.addInitScript(() => addEventListener('securitypolicyviolation', event => console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`)))
	return { context, page, faults }
}

const sessions = new Map()

/** The cookie of a session of this key; one session a key, for all tabs. */
async function cookieOf(secret) {
	if (!sessions.has(secret)) {
		const response = await fetch(`${base}/v1/session`, { method: 'POST', headers: { Authorization: `Bearer ${secret}`, 'X-Requested-With': 'plumbline' } })
		assert.equal(response.status, 201, await response.text())
		const [, name, value] = /^([^=]+)=([^;]*)/.exec(response.headers.get('set-cookie') ?? '') ?? []
		assert.ok(value, 'no cookie of a session')
		sessions.set(secret, { name, value, url: base, httpOnly: true, sameSite: 'Strict' })
	}
	return sessions.get(secret)
}

/** A tab that is signed in. `close` ends it, and holds it to have had no faults. */
export async function signedInTab(options = {}) {
	const { context, page, faults } = await tab(options)
	await context.addCookies([await cookieOf(options.key ?? key)])
	return { context, page, close: async () => { await context.close(); assert.deepEqual(faults, []) }, faults }
}

/** Runs `use` in a tab that is signed in. */
export async function signedIn(options, use) {
	const { context, page, close } = await signedInTab(options)
	const result = await use(page, context).catch(async error => { await context.close(); throw error })
	await close()
	return result
}

/** Goes there and waits until nothing is being fetched or drawn any more. */
export async function visit(page, address, heading) {
	await page.goto(address)
	await (heading ? page.getByRole('heading', { name: heading, exact: true }) : page.getByRole('heading', { level: 1 })).waitFor()
	await settled(page)
}

export async function settled(page) {
	// "networkidle" tells of the first time only: what a filter changed may still be on its way
	for (let quiet = 0; quiet < 6; quiet++) {
		await page.waitForTimeout(50)
		if (inFlight.get(page).size > 0) quiet = -1
	}
	await page.waitForFunction(() => !document.querySelector('.loading, [aria-busy="true"]'))
	await page.evaluate(() => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve))))
}
