// What holds for the frame: signing in and out, addresses, errors, old answers, how much a first load takes.
import assert from 'node:assert/strict'
import { addressOf, api, base, key, settled, signedIn, tab, visit } from './browser.mjs'

const MOST_BYTES = 120 * 1024
const MOST_REQUESTS = 12

const summary = { path: '/', query: 'period=last_fq' }
const reps = { path: '/reps', query: 'period=last_fq' }

async function alone(use, options) {
	const { context, page, faults } = await tab(options)
	try {
		const result = await use(page, context)
		assert.deepEqual(faults, [])
		return result
	} finally {
		await context.close()
	}
}

export const checks = [
	{
		name: 'the key in the address becomes a session and is gone',
		run: () => alone(async (page, context) => {
			await page.goto(`${base}/#key=${key}`)
			await page.getByRole('navigation', { name: 'Pages' }).waitFor()
			await settled(page)
			assert.ok(!page.url().includes(key), page.url())
			const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, history.state]))
			assert.ok(!kept.includes(key) && !kept.includes('plumbline_session'), kept)
			const cookie = (await context.cookies()).find(({ name }) => name === 'plumbline_session')
			assert.ok(cookie, 'no cookie of a session')
			assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.path], [true, 'Strict', '/'])
			await page.goBack().catch(() => null)
			assert.ok(!page.url().includes(key), 'the key is in the history')
		})
	},
	{
		name: 'a wrong key is refused in words, with code and request id',
		run: () => alone(async page => {
			await page.goto(base)
			await page.getByLabel('API key').fill('pl_1_000000000000_wrong')
			await page.getByRole('button', { name: 'Sign in' }).click()
			const said = await page.getByRole('alert').innerText()
			assert.match(said, /unauthorized/)
			assert.match(said, /request [0-9a-f]{16,}/)
		})
	},
	{
		name: 'a key typed in signs in, signing out ends it',
		run: () => alone(async page => {
			await page.goto(await addressOf(reps))
			await page.getByLabel('API key').fill(key)
			await page.keyboard.press('Enter')
			await page.getByRole('heading', { name: 'Alignment by rep' }).waitFor()
			await settled(page)
			await page.locator('.account summary').click()
			await page.getByRole('button', { name: 'Sign out' }).click()
			await page.getByLabel('API key').waitFor()
			await page.reload()
			await page.getByLabel('API key').waitFor()
			assert.equal(await page.evaluate(() => fetch('/v1/session').then(response => response.status)), 401)
		})
	},
	{
		name: 'a first load stays within its budget',
		run: () => alone(async (page, context) => {
			const session = await context.newCDPSession(page)
			await session.send('Network.enable')
			let bytes = 0
			let requests = 0
			session.on('Network.loadingFinished', ({ encodedDataLength }) => { bytes += encodedDataLength; requests++ })
			const begun = Date.now()
			await page.goto(`${base}/#key=${key}`)
			await page.getByRole('heading', { name: /Plan and field|Alignment/ }).first().waitFor()
			const interactive = Date.now() - begun
			await settled(page)
			assert.ok(bytes > 10_000, `only ${bytes} bytes were seen`)
			assert.ok(bytes <= MOST_BYTES, `${bytes} bytes`)
			assert.ok(requests <= MOST_REQUESTS, `${requests} requests`)
			return `${(bytes / 1024).toFixed(1)} KiB in ${requests} requests, figures in sight after ${interactive} ms`
		})
	},
	{
		name: 'the page comes with a strict policy and without inline code',
		run: async () => {
			const response = await fetch(`${base}/`)
			const policy = response.headers.get('content-security-policy') ?? ''
			assert.match(policy, /default-src 'self'/)
			assert.ok(!/unsafe/.test(policy), policy)
			const html = await response.text()
			assert.ok(!/\sstyle=|<style|<script(?![^>]*\ssrc=)|\son\w+=/.test(html), html)
			assert.ok(!/https?:\/\//.test(html), html)
		}
	},
	{
		name: 'filters are in the address, and the address alone shows the same',
		run: async () => {
			const [address, text] = await signedIn({}, async page => {
				await visit(page, await addressOf(reps), 'Alignment by rep')
				await page.getByLabel(/^Period/).selectOption('last_fy')
				await page.getByLabel('Compared to').selectOption('previous')
				await page.getByRole('columnheader', { name: /^Change/ }).waitFor()
				await settled(page)
				assert.match(page.url(), /#\/reps\?.*period=last_fy/)
				assert.match(page.url(), /compare_to=previous/)
				return [page.url(), await page.locator('main').innerText()]
			})
			await signedIn({}, async page => {
				await visit(page, address, 'Alignment by rep')
				await page.getByRole('columnheader', { name: /^Change/ }).waitFor()
				await settled(page)
				assert.equal(await page.locator('main').innerText(), text)
				await page.getByRole('link', { name: 'Summary' }).click()
				assert.match(page.url(), /period=last_fy/)
			})
		}
	},
	{
		name: 'a range of days can be picked',
		run: () => signedIn({}, async page => {
			await visit(page, await addressOf(summary), 'Plan and field')
			await page.getByLabel(/^Period/).selectOption('From … to …')
			const asked = page.waitForRequest(request => request.url().includes('/v1/summary') && request.url().includes('2026-01-01..2026-03-31'))
			await page.getByLabel('First day').fill('2026-01-01')
			await page.getByLabel('Last day').fill('2026-03-31')
			await page.getByRole('button', { name: 'Show' }).click()
			await asked
			assert.match(page.url(), /period=2026-01-01\.\.2026-03-31/)
		})
	},
	{
		name: 'what the API refuses is said with its code and request id',
		run: () => signedIn({}, async page => {
			await page.goto(await addressOf({ path: '/', query: 'period=nonsense' }))
			const said = await page.getByRole('alert').innerText()
			assert.match(said, /invalid_parameter/)
			assert.match(said, /HTTP 400/)
			assert.match(said, /request [0-9a-f]{16,}/)
		})
	},
	{
		name: 'without a connection the old answer stays in sight, with its age',
		run: () => signedIn({}, async (page, context) => {
			await visit(page, await addressOf(summary), 'Plan and field')
			const before = await page.getByRole('heading', { level: 1 }).innerText()
			await context.setOffline(true)
			await page.getByLabel(/^Period/).selectOption('last_fy')
			const note = page.getByRole('alert')
			await note.waitFor({ timeout: 30_000 })
			assert.match(await note.innerText(), /Shown is the answer of (just now|\d+ (min|h|d) ago)/)
			assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), before)
			await context.setOffline(false)
			await page.getByRole('button', { name: 'Try again' }).click()
			await page.waitForFunction(text => document.querySelector('h1').innerText !== text || !document.querySelector('[role="alert"]'), before)
			await settled(page)
			assert.equal(await page.getByRole('alert').count(), 0)
		})
	},
	{
		name: 'light and dark can be chosen and are kept',
		run: () => signedIn({ scheme: 'light' }, async page => {
			const colour = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
			await visit(page, await addressOf(summary), 'Plan and field')
			const light = await colour()
			await page.locator('.account summary').click()
			await page.getByLabel('Dark').check()
			const dark = await colour()
			assert.notEqual(dark, light)
			await page.reload()
			await page.getByRole('navigation', { name: 'Pages' }).waitFor()
			assert.equal(await colour(), dark)
		})
	},
	{
		name: 'a key without the scope to read sees no figures and is told so',
		run: async () => {
			const made = process.env.PLUMBLINE_INGEST_KEY
			await signedIn({ key: made }, async page => {
				await page.goto(await addressOf(reps))
				await page.getByText('There is no such page').waitFor()
				assert.equal(await page.getByRole('link', { name: 'Reps' }).count(), 0)
			})
		}
	},
	{
		name: 'a rep signed in sees no other rep',
		run: async () => {
			const rep = process.env.PLUMBLINE_REP
			const others = (await api('/v1/alignment?by=rep&period=last_fy')).rows.filter(row => row.key !== rep)
			assert.ok(others.length > 3)
			await signedIn({ key: process.env.PLUMBLINE_REP_KEY }, async page => {
				await visit(page, await addressOf({ path: '/reps', query: 'period=last_fy' }), 'Alignment by rep')
				const names = await page.locator('tbody tr th').allInnerTexts()
				assert.equal(names.length, 1)
				const text = await page.locator('main').innerText()
				assert.deepEqual(others.filter(({ label }) => text.includes(label)), [])
			})
		}
	}
]
