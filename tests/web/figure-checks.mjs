// Pages against the API: what they show is what it says, to the digit.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { addressOf, api, key, settled, signedIn, visit } from './browser.mjs'

const percent = value => `${new Intl.NumberFormat('en', { maximumFractionDigits: 0 }).format(value * 100)}%`
const reps = { path: '/reps', query: 'period=last_fq' }
const open = async page => visit(page, await addressOf(reps), 'Alignment by rep')
const names = page => page.locator('tbody tr th').allInnerTexts()

export const checks = [
	{
		name: 'the verdict says what the API says',
		run: () => signedIn({}, async page => {
			await visit(page, await addressOf({ path: '/', query: 'period=last_fq' }), 'Plan and field')
			const answer = await api('/v1/summary?period=last_fq')
			const { value, parts, n } = answer.segment_mix
			const widest = parts.keys.reduce((most, one) => (Math.abs(one.gap) > Math.abs(most.gap) ? one : most))
			const headline = await page.getByRole('heading', { level: 1 }).innerText()
			assert.ok(headline.includes(percent(widest.actual)), headline)
			const verdict = await page.locator('.verdict').innerText()
			assert.ok(verdict.includes(`${percent(value)} of the money won would have to move`), verdict)
			assert.ok(verdict.includes(answer.strategy.name), verdict)
			assert.ok(verdict.includes(`${n} deals won`), verdict)
			const picture = await page.locator('.flow').getAttribute('aria-label')
			for (const { actual } of parts.keys) assert.ok(picture.includes(percent(actual)), picture)
			assert.equal(await page.locator('.index-number').innerText(), String(Math.round(answer.alignment_index.value)))
		})
	},
	{
		name: 'the parts of the gap are those of the API',
		run: () => signedIn({}, async page => {
			await visit(page, await addressOf({ path: '/', query: 'period=last_fq' }), 'Plan and field')
			const { away, back } = (await api('/v1/summary?period=last_fq')).strategy_setters.segment
			const shown = await page.locator('.setters-value').allInnerTexts()
			const wanted = [...away, ...back.reverse()].map(({ value }) => new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1, signDisplay: 'exceptZero' }).format(value * 100).replace('-', '−'))
			assert.deepEqual(shown, wanted)
		})
	},
	{
		name: 'the table of reps has every rep, and greys those of small numbers',
		run: () => signedIn({}, async page => {
			await open(page)
			const { rows } = await api('/v1/alignment?by=rep&period=last_fq')
			assert.deepEqual((await names(page)).sort(), rows.map(({ label }) => label).sort())
			const grey = await page.locator('tbody tr.muted th').allInnerTexts()
			assert.deepEqual(grey.sort(), rows.filter(({ metrics }) => metrics.alignment_index.low_n).map(({ label }) => label).sort())
		})
	},
	{
		name: 'the table of reps sorts by what is pressed, both ways, by keyboard too',
		run: () => signedIn({}, async page => {
			await open(page)
			const { rows } = await api('/v1/alignment?by=rep&period=last_fq')
			const by = metric => rows.filter(row => row.metrics[metric]?.value != null).sort((a, b) => b.metrics[metric].value - a.metrics[metric].value).map(({ metrics }) => metrics[metric].value)
			const shares = async column => (await page.locator(`tbody tr td:nth-child(${column}) .value`).allInnerTexts()).map(text => text.trim())
			const head = page.getByRole('columnheader', { name: /^Time/ })
			await head.getByRole('button').click()
			assert.equal(await head.getAttribute('aria-sort'), 'descending')
			const column = 1 + (await page.locator('thead th').allInnerTexts()).findIndex(text => text.startsWith('Time'))
			const down = by('selling_time_share').map(percent)
			assert.deepEqual(await shares(column), down)
			await page.keyboard.press('Enter')
			assert.equal(await head.getAttribute('aria-sort'), 'ascending')
			assert.deepEqual(await shares(column), down.reverse())
		})
	},
	{
		name: 'arrows go from row to row, Enter opens the rep',
		run: () => signedIn({}, async page => {
			await open(page)
			const [, second] = await names(page)
			await page.locator('tbody tr th a').first().focus()
			await page.keyboard.press('ArrowDown')
			assert.equal(await page.evaluate(() => document.activeElement.innerText), second)
			await page.keyboard.press('Enter')
			await page.getByRole('heading', { level: 1, name: second }).waitFor()
			assert.match(page.url(), /#\/reps\/.+period=last_fq/)
		})
	},
	{
		name: 'CSV is the API’s, byte for byte',
		run: () => signedIn({}, async page => {
			await open(page)
			const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'CSV' }).click()])
			assert.match(download.suggestedFilename(), /^alignment-rep-last_fq\.csv$/)
			assert.equal(await readFile(await download.path(), 'utf8'), await api('/v1/alignment?by=rep&period=last_fq&format=csv', { text: true }))
		})
	},
	{
		name: 'the copied curl command asks the same',
		run: () => signedIn({ permissions: ['clipboard-read', 'clipboard-write'] }, async page => {
			await open(page)
			await page.getByRole('button', { name: 'curl' }).click()
			await page.getByText('Copied').waitFor()
			const command = await page.evaluate(() => navigator.clipboard.readText())
			const { stdout } = await promisify(execFile)('bash', ['-c', `${command.replace(/^curl/, 'curl -sSf')}`], { env: { ...process.env, PLUMBLINE_KEY: key }, maxBuffer: 1 << 26 })
			assert.deepEqual(JSON.parse(stdout).rows, (await api('/v1/alignment?by=rep&period=last_fq')).rows)
		})
	},
	{
		name: 'a picture can be read as a table',
		run: () => signedIn({}, async page => {
			await visit(page, await addressOf({ path: '/', query: 'period=last_fq' }), 'Plan and field')
			const figure = page.getByRole('region', { name: 'Plan and field' })
			await figure.getByRole('button', { name: 'Table' }).click()
			const { parts } = (await api('/v1/summary?period=last_fq')).segment_mix
			assert.equal(await figure.locator('tbody tr').count(), parts.keys.length)
			await figure.getByRole('button', { name: 'Picture' }).click()
			assert.equal(await figure.locator('.flow').count(), 1)
		})
	},
	{
		name: 'a metric explains itself in the words of the dictionary',
		run: () => signedIn({}, async page => {
			await visit(page, await addressOf({ path: '/', query: 'period=last_fq' }), 'Plan and field')
			const { data } = await api('/v1/metrics')
			const { formula } = data.find(one => one.key === 'selling_time_share')
			await page.getByRole('button', { name: 'Selling time' }).hover()
			await page.getByRole('tooltip').waitFor()
			assert.ok((await page.getByRole('tooltip').innerText()).includes(formula))
			await page.keyboard.press('Escape')
			assert.equal(await page.getByRole('tooltip').count(), 0)
		})
	},
	{
		name: 'a rep’s page says the sentences of the brief',
		run: () => signedIn({}, async page => {
			const { rows } = await api('/v1/alignment?by=rep&period=last_fy')
			await visit(page, await addressOf({ path: `/reps/${rows[0].key}`, query: 'period=last_fy' }), 'What the numbers say')
			const { sentences } = await api(`/v1/reps/${rows[0].key}/brief?period=last_fy`)
			await settled(page)
			const shown = await page.locator('.brief li p:first-child').allInnerTexts()
			assert.deepEqual(shown, sentences.map(({ text }) => text.replace(/^From .{10} to .{10}: /, '')))
			assert.equal(await page.locator('.figures-value').first().innerText(), String(Math.round(rows[0].metrics.alignment_index.value)))
			assert.ok(await page.locator('.trend canvas').count(), 'no chart')
		})
	}
]
