// The first sentences of the summary: what the plan says, what the field sold, and what that rests on. Facts only; the words choose which.
import { count, money, percent } from '../../lib/format'
import type { MixKey, MixParts, Row } from '../../lib/types'

export interface Verdict {
	headline: string
	/** What it amounts to. */
	sentence: string
	/** What it rests on. */
	evidence: string
}

/** Gaps below this are no news: then the sentence says that all segments are within it. */
const CLOSE = 0.05

const of = (key: MixKey, label: (key: string) => string) => (key.key === 'other' ? 'accounts outside every segment' : label(key.key))

function moved(keys: MixKey[], label: (key: string) => string): string {
	const over = keys.filter(key => (key.gap ?? 0) >= 0.01).sort((a, b) => b.gap! - a.gap!).slice(0, 2)
	const words = over.map(key => (key.unplanned ? `${of(key, label)} (${percent(key.actual)}, not in the plan)` : `${of(key, label)} (${percent(key.actual)} instead of ${percent(key.target)})`))
	return words.length === 0 ? '' : ` It went to ${words.join(' and ')}.`
}

function headline(keys: MixKey[], label: (key: string) => string): string {
	const widest = [...keys].sort((a, b) => Math.abs(b.gap ?? 0) - Math.abs(a.gap ?? 0))[0]
	if (!widest || Math.abs(widest.gap ?? 0) < CLOSE) return `The field sold what the plan says: every segment is within ${Math.max(1, Math.ceil(Math.abs(widest?.gap ?? 0) * 100))} points of it.`
	if (widest.key === 'other') return `${percent(widest.actual)} of the money was won outside every segment of the plan.`
	if (widest.unplanned) return `The plan does not name ${of(widest, label)}; the field sold ${percent(widest.actual)} there.`
	return `The plan says ${percent(widest.target)} from ${of(widest, label)}; the field sold ${percent(widest.actual)}.`
}

export function verdict(mix: Row<MixParts | null>, bookings: Row, currency: string | null, label: (key: string) => string, strategy: string): Verdict {
	const keys = mix.parts?.keys ?? []
	const left = Number(mix.excluded['unknown'] ?? 0)
	const evidence = `${count(mix.n)} deals won, ${money(mix.denominator, currency)}.` +
		(left > 0 ? ` ${count(left)} more (${money(mix.excluded['unknown_amount'] ?? null, currency)}) could not be placed in a segment.` : '') +
		(Number(bookings.parts?.largest_deal_share ?? 0) >= 0.2 ? ` The largest deal alone is ${percent(bookings.parts.largest_deal_share)} of it.` : '') +
		(mix.low_n ? ' So few deals say little.' : '')
	return {
		headline: headline(keys, label),
		sentence: `${percent(mix.value)} of the money won would have to move to match “${strategy}”.${moved(keys, label)}`,
		evidence
	}
}
