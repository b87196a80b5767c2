// What holds for every page: it is drawn, in every form; everybody can use it; the keyboard reaches all of it.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { addressOf, settled, signedInTab, SIZES, visit } from './browser.mjs'
import { pages } from './pages.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const FORMS = { light: ['wide', 'light'], dark: ['wide', 'dark'], phone: ['phone', 'light'] }

/** The tab with this page, in this form. Checks of a page share it: most of their time is the loading. */
let shared = { name: null }
async function opened(page, form) {
	if (shared.name !== page.name) {
		await shared.context?.close()
		shared = { name: null }
		const opening = await signedInTab()
		shared = { ...opening, name: page.name }
		await visit(shared.page, await addressOf(page), page.heading)
	}
	const [size, scheme] = FORMS[form]
	await shared.page.setViewportSize(SIZES[size])
	await shared.page.emulateMedia({ colorScheme: scheme })
	await settled(shared.page)
	return shared
}

/** It is there without an error, nothing sticks out at the side, and a picture of it is kept. */
const drawn = (page, form) => ({
	name: `${page.name} is drawn (${form})`,
	run: async ({ screenshots }) => {
		const { page: tab, faults } = await opened(page, form)
		await tab.screenshot({ path: `${screenshots}/${page.name}-${form}.png`, fullPage: true })
		assert.equal(await tab.getByRole('alert').count(), 0, await tab.getByRole('alert').allTextContents().then(String))
		const [content, window] = await tab.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
		assert.ok(content <= window, `the page is ${content} wide in a window of ${window}`)
		const text = await tab.locator('main').innerText()
		assert.ok(!/\b(NaN|undefined|null|Infinity|\[object)\b/.test(text), text)
		assert.deepEqual(faults, [])
	}
})

const WORST = ['serious', 'critical']
const accessible = (page, form) => ({
	name: `${page.name} has no serious fault by axe (${form})`,
	run: async () => {
		const { page: tab, faults } = await opened(page, form)
		await tab.evaluate(axe)
		const { violations, passes } = await tab.evaluate(() => globalThis.axe.run(document))
		const worst = violations.filter(violation => WORST.includes(violation.impact))
		assert.ok(passes.length > 10, 'axe looked at next to nothing')
		assert.deepEqual(worst.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(node => `${node.html} ${node.failureSummary}`).join(' | ')}`), [])
		assert.deepEqual(faults, [])
		return `${passes.length} rules pass; minor: ${violations.map(violation => violation.id).join(', ') || 'none'}`
	}
})

/** Tab after tab through the page (a date takes several): every stop is in sight, shows that it has the focus, and in the end all have been there. */
const walkable = page => ({
	name: `${page.name} can be walked with the keyboard`,
	run: async () => {
		const { page: tab } = await opened(page, 'light')
		const wanted = await tab.evaluate(() => {
			const stops = [...document.querySelectorAll('a[href], button:not(:disabled), input:not(:disabled), select, textarea, summary, [tabindex="0"]')]
				.filter(stop => stop.checkVisibility({ visibilityProperty: true }) && !stop.closest('details:not([open]) > :not(summary)'))
			stops.forEach((stop, at) => { stop.dataset.stop = at })
			return stops.length
		})
		await tab.evaluate(() => { document.activeElement?.blur(); scrollTo(0, 0) })
		const seen = new Set()
		for (let presses = 0; presses < 2 * wanted + 10 && seen.size < wanted; presses++) {
			await tab.keyboard.press('Tab')
			const stop = await tab.evaluate(() => {
				const at = document.activeElement
				const box = at.getBoundingClientRect()
				const style = getComputedStyle(at)
				return { at: at.dataset.stop, html: at.outerHTML.slice(0, 120), marked: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0, inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth }
			})
			if (stop.at === undefined) continue
			assert.ok(stop.marked, `no mark of the focus on ${stop.html}`)
			assert.ok(stop.inside, `out of sight: ${stop.html}`)
			seen.add(stop.at)
		}
		assert.equal(seen.size, wanted, 'stops that Tab does not reach')
		return `${wanted} stops`
	}
})

/** That each page is drawn, whatever its group: for another company's data. */
export const allDrawn = () => pages.map(page => drawn(page, 'light'))

/** The checks of the pages of one group. */
export const checksOf = group => pages.filter(page => page.group === group).flatMap(page => [
	drawn(page, 'light'), accessible(page, 'light'), walkable(page),
	drawn(page, 'dark'), accessible(page, 'dark'),
	drawn(page, 'phone')
])
