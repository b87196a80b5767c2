// The periods one picks most, in the API's own words for them.
export const PERIODS: [value: string, label: string][] = [
	['this_fq', 'This fiscal quarter'],
	['last_fq', 'Last fiscal quarter'],
	['this_fy', 'This fiscal year'],
	['last_fy', 'Last fiscal year'],
	['this_month', 'This month'],
	['last_month', 'Last month'],
	['last_90d', 'Last 90 days'],
	['last_365d', 'Last 365 days']
]

export const DEFAULT_PERIOD = 'this_fq'

/** `2026-01-01..2026-03-31` → both days; null for any other form. */
export function range(period: string | undefined): [string, string] | null {
	const found = /^(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)$/.exec(period ?? '')
	return found ? [found[1]!, found[2]!] : null
}

export const periodName = (period: string): string => {
	const preset = PERIODS.find(([value]) => value === period)
	const days = range(period)
	return preset ? preset[1] : days ? `${days[0]} to ${days[1]}` : period
}

const DAY_MS = 86_400_000
const isoDay = (date: Date): string => date.toISOString().slice(0, 10)

/** The last day of what ends before `end`. */
export const lastDay = (end: string): string => isoDay(new Date(Date.parse(`${end}T00:00:00Z`) - DAY_MS))

/** The twelve months that end with a period, as a period; `end` is the first day after it. */
export function yearUpTo(end: string): string {
	const day = new Date(`${end}T00:00:00Z`)
	return `${isoDay(new Date(Date.UTC(day.getUTCFullYear() - 1, day.getUTCMonth(), day.getUTCDate())))}..${lastDay(end)}`
}
