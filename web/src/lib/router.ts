// The address: `#/reps/r7?period=last_fq&team=emea`. All that a page shows follows from it, so that an address can be sent to somebody else.
import { Store, useStore } from './store'

export type Query = Record<string, string>

export interface Location {
	path: string
	query: Query
}

/** Filters that go along from page to page. */
export const CARRIED = ['period', 'compare_to', 'team', 'currency', 'credit', 'fit_basis', 'as_of', 'known_at'] as const

function parse(hash: string): Location {
	const [path = '', query = ''] = hash.replace(/^#/, '').split(/\?(.*)/s)
	return { path: path.startsWith('/') ? path : '/', query: Object.fromEntries(new URLSearchParams(query)) }
}

const here = new Store<Location>(parse(location.hash))
addEventListener('hashchange', () => here.set(parse(location.hash)))

export const useLocation = (): Location => useStore(here)
export const currentLocation = (): Location => here.get()

/** `a=1&b=2`, readable: what need not be escaped in a fragment is not. Empty values are left out. */
export function queryText(query: Record<string, unknown>): string {
	const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '')
	return given.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value)).replace(/%3A/g, ':').replace(/%2C/g, ',')}`).join('&')
}

/** The address of a page, with the filters of the present one; `query` adds to them, and an empty value takes one away. */
export function href(path: string, query: Record<string, unknown> = {}): string {
	const carried = Object.fromEntries(Object.entries(here.get().query).filter(([name]) => (CARRIED as readonly string[]).includes(name)))
	const text = queryText({ ...carried, ...query })
	return `#${path}${text ? `?${text}` : ''}`
}

/** The present page with other filters. `replace`: no step to go back to. */
export function setQuery(change: Record<string, unknown>, replace = false): void {
	const { path, query } = here.get()
	const text = queryText({ ...query, ...change })
	go(`#${path}${text ? `?${text}` : ''}`, replace)
}

export function go(to: string, replace = false): void {
	if (replace) {
		history.replaceState(null, '', to)
		here.set(parse(location.hash))
	} else location.hash = to
}

/** `/reps/{id}` against `/reps/r7`: {id: "r7"}; null where it does not fit. */
export function match(pattern: string, path: string): Query | null {
	const wanted = pattern.split('/')
	const given = path.split('/')
	if (wanted.length !== given.length) return null
	const found: Query = {}
	for (const [at, part] of wanted.entries()) {
		const value = given[at] ?? ''
		if (part.startsWith('{') && part.endsWith('}') && value) {
			try {
				found[part.slice(1, -1)] = decodeURIComponent(value)
			} catch {
				return null
			}
		} else if (part !== value) return null
	}
	return found
}
