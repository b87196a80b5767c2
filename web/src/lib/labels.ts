// Names for the keys of a strategy: segments, tiers and messages have labels in its document, everything else goes by its key.
import { useAnswer } from './answers'
import { words } from './format'
import type { List } from './types'

export interface StrategyDocument {
	id: string
	name: string
	status: 'draft' | 'publishing' | 'published'
	effective_from: string
	segments?: { key: string; label?: string; target?: Record<string, number> }[]
	messages?: { key: string; label?: string; target?: number }[]
	products?: Record<string, number>
	[name: string]: unknown
}

const OWN: Record<string, string> = {
	other: 'Other',
	unknown: 'Unknown',
	unspecified: 'No product named',
	__none__: 'Nobody',
	on: 'On strategy',
	off: 'Off strategy'
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** What people call a key. */
export function useLabels(): (key: string) => string {
	const answer = useAnswer<List<StrategyDocument>>({ path: '/v1/strategies', query: { status: 'published', limit: 50 } })
	const named = new Map<string, string>()
	for (const strategy of answer.data?.data ?? []) {
		for (const { key, label } of [...(strategy.segments ?? []), ...(strategy.messages ?? [])]) if (label && !named.has(key)) named.set(key, label)
	}
	return key => named.get(key) ?? OWN[key] ?? capital(words(key))
}
