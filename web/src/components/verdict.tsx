// The verdict on a deal or an account, and what it rests on: criteria whose contributions add up to the score.
import type { ComponentChildren } from 'preact'
import { count, date, NONE, quantity, words } from '../lib/format'
import { DataTable } from './table'

const CLASS: Record<string, [mark: string, label: string]> = {
	on: ['●', 'On strategy'],
	off: ['■', 'Off strategy'],
	unknown: ['○', 'Unknown']
}

/** On, off or unknown, in words and shape; the reason where there is one. */
export function ClassMark({ name, reason }: { name: string | null | undefined; reason?: string | null | undefined }) {
	const known = CLASS[name ?? '']
	if (!known) return <>{NONE}</>
	return (
		<span class={`class-mark class-${name}`}>
			<span aria-hidden="true">{known[0]}</span> {known[1]}
			{reason && <span class="class-reason">{REASON[reason] ?? words(reason)}</span>}
		</span>
	)
}

const REASON: Record<string, string> = {
	no_account: 'no account is named',
	no_strategy: 'no strategy was in force',
	not_published: 'the strategy is a draft',
	low_coverage: 'too little is known of the account',
	uncertain_tier: 'what is not known could change the tier',
	disqualified: 'ruled out by the strategy',
	required_missed: 'misses what the strategy requires',
	override: 'set by hand'
}

export interface Criterion {
	key: string
	attr: string
	value: unknown
	match: number | null
	weight: number
	contribution: number | null
	required: boolean
	backcast: boolean
	since: string | null
}

export interface Breakdown {
	score: number | null
	low: number | null
	high: number | null
	coverage: number | null
	criteria: Criterion[]
	disqualified_by?: unknown
	required_missed?: string | null
}

export interface Tier {
	key: string
	min: number
	on_strategy: boolean
}

export const shown = (value: unknown): string =>
	value === null || value === undefined ? 'not known' : typeof value === 'boolean' ? (value ? 'yes' : 'no') : Array.isArray(value) ? value.join(', ') : typeof value === 'number' ? quantity(value) : String(value)

/** The score on its scale, with the tiers' thresholds; a bar between the bounds where something is not known. */
export function ScoreScale({ fit, tiers }: { fit: Pick<Breakdown, 'score' | 'low' | 'high'>; tiers: Tier[] }) {
	const open = fit.low !== null && fit.high !== null && fit.high > fit.low
	return (
		<div class="score">
			<p class="score-value">{fit.score === null ? NONE : count(fit.score)}<span class="score-of"> of 100</span>{open && <span class="score-bounds">{count(fit.low)} to {count(fit.high)}, as far as is known</span>}</p>
			<div class="score-scale" aria-hidden="true">
				{fit.score !== null && <span class="score-bar" style={{ width: `${fit.score}%` }} />}
				{open && <span class="score-open" style={{ left: `${fit.low}%`, width: `${fit.high! - fit.low!}%` }} />}
				{tiers.filter(tier => tier.min > 0).map(tier => <span key={tier.key} class="score-tier" style={{ left: `${tier.min}%` }} />)}
			</div>
			<ul class="score-tiers">{tiers.map(tier => <li key={tier.key}>{tier.key} from {tier.min}{tier.on_strategy && ', on strategy'}</li>)}</ul>
		</div>
	)
}

export function Criteria({ fit }: { fit: Breakdown }) {
	return (
		<>
			<DataTable caption="What the score is made of" rows={fit.criteria} rowKey={row => row.key} columns={[
				{ key: 'criterion', label: 'Criterion', sort: row => row.key, cell: row => <>{words(row.key)}{row.required && <span class="hint"> required</span>}</> },
				{ key: 'value', label: 'Account', cell: row => <><span class={row.value === null ? 'no-value' : undefined}>{shown(row.value)}</span> <code class="wide-only">{row.attr}</code></> },
				{ key: 'since', label: 'Known since', wide: true, sort: row => row.since, cell: row => <>{date(row.since)}{row.backcast && <span class="hint"> first known later</span>}</> },
				{ key: 'match', label: 'Match', align: 'right', sort: row => row.match, cell: row => count(row.match, 2) },
				{ key: 'weight', label: 'Weight', align: 'right', sort: row => row.weight, cell: row => count(row.weight, 2) },
				{ key: 'contribution', label: 'Contribution', align: 'right', sort: row => row.contribution, cell: row => count(row.contribution, 1) }
			]} total={{ key: 'score', attr: '', value: '', match: null, weight: fit.criteria.reduce((sum, row) => sum + row.weight, 0), contribution: fit.score, required: false, backcast: false, since: null }} />
			{fit.required_missed && <p class="hint">The strategy requires <strong>{words(fit.required_missed)}</strong>; this account does not have it, whatever its score.</p>}
			{Boolean(fit.disqualified_by) && <p class="hint">Ruled out by the strategy's own exclusions: <code>{JSON.stringify(fit.disqualified_by)}</code></p>}
		</>
	)
}

/** Facts in pairs. */
export function Facts({ facts }: { facts: [label: string, value: ComponentChildren][] }) {
	return (
		<dl class="facts">
			{facts.map(([label, value]) => <div key={label}><dt>{label}</dt><dd>{value}</dd></div>)}
		</dl>
	)
}
