// /docs in a real browser: node reference.mjs URL KEY. Prints what happened as JSON; the test judges it.
import { chromium } from '../web/node_modules/playwright-core/index.mjs'

const [url, key] = process.argv.slice(2)
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: flags })
const page = await browser.newPage()
const seen = { violations: [], outside: [], errors: [], contract: await (await fetch(`${url}/openapi.json`)).json().then(({ tags }) => tags.length) }
page.setDefaultTimeout(240_000)
page.on('pageerror', error => seen.errors.push(error.message))
page.on('request', request => { if (!request.url().startsWith(`${url}/`) && !request.url().startsWith('data:')) seen.outside.push(request.url()) })
await page.exposeFunction('noteViolation', what => seen.violations.push(what))
await page.addInitScript(() => document.addEventListener('securitypolicyviolation', event => window.noteViolation(`${event.violatedDirective} ${event.blockedURI}`)))

await page.goto(`${url}/docs`)
await page.waitForSelector('.opblock-tag')
seen.tags = await page.locator('.opblock-tag').count()
seen.who = [await page.locator('#who').textContent()]
await page.evaluate(key => fetch('/v1/session', { method: 'POST', headers: { Authorization: `Bearer ${key}` } }), key)

// A write with the session alone.
await page.goto(`${url}/docs#/Reps`)
await page.reload()
await page.locator('#operations-tag-Reps').waitFor()
const operation = page.locator('#operations-Reps-putRep')
if (!(await operation.count())) await page.locator('#operations-tag-Reps').click()
await operation.locator('.opblock-summary-control').click()
await operation.getByRole('button', { name: 'Try it out' }).click()
await operation.locator('input[placeholder=id]').fill('tried')
await operation.getByRole('button', { name: 'Execute' }).click()
seen.status = parseInt(await operation.locator('.live-responses-table tbody .response-col_status').first().textContent())
seen.curl = await operation.locator('.curl-command').textContent()
seen.who.push(await page.locator('#who').textContent())
await browser.close()
console.log(JSON.stringify(seen))
