// The filters of the address as parameters of the API.
import { useLocation } from './router'
import { DEFAULT_PERIOD } from './periods'

export type Filters = Record<string, string>

/** Those of the address that the API takes everywhere, the period always among them. `compare`: with compare_to, which only metrics take. */
export function useFilters(options: { compare?: boolean } = {}): Filters {
	const { query } = useLocation()
	const filters: Filters = { period: query['period'] || DEFAULT_PERIOD }
	for (const name of ['team', 'currency', 'credit', 'fit_basis', 'as_of', 'known_at']) {
		const value = query[name]
		if (value) filters[name] = value
	}
	if (options.compare && query['compare_to']) filters['compare_to'] = query['compare_to']
	return filters
}
