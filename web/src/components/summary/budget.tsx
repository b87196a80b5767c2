// The budget for opportunistic deals: how much of the won money it took, and where the strategy draws the line.
import { count, money, NONE, percent } from '../../lib/format'
import type { Row } from '../../lib/types'
import { Status } from '../basics'
import { DataTable } from '../table'

interface Part {
	n: number
	amount: string
	share: number | null
}

interface Parts {
	opportunistic: Part
	misdirected: Part
	unclassified: Part
	budget: { limit: number | null; used: number | null; remaining: number | null; status: 'ok' | 'near' | 'over' | null }
}

const KINDS: [keyof Omit<Parts, 'budget'>, string, string][] = [
	['opportunistic', 'Opportunistic', 'came easily, or cost little time'],
	['misdirected', 'Misdirected', 'off strategy, and hard work'],
	['unclassified', 'Not known', 'no activities to judge by']
]

export function Budget({ row, currency }: { row: Row<Parts | null>; currency: string | null }) {
	const parts = row.parts
	if (!parts) return <p class="no-value">{NONE}</p>
	const { limit, used, status } = parts.budget
	const unknown = parts.unclassified.share ?? 0
	const nothingKnown = parts.opportunistic.n + parts.misdirected.n === 0 && parts.unclassified.n > 0
	// What is not known may be opportunistic as well: then it is not certain that the budget holds.
	const uncertain = status === 'ok' && limit !== null && (used ?? 0) + unknown > limit
	const whole = Math.max(0.05, limit ?? 0, ...KINDS.map(([kind]) => parts[kind].share ?? 0)) * 1.15
	return (
		<div class="budget">
			{nothingKnown ? <p class="budget-line">Not known: no activities tell how what was won off strategy came about.</p> : (
				<p class="budget-line">
					<strong>{percent(used, 1)}</strong> of the money won{limit !== null && <> of <strong>{percent(limit)}</strong> allowed</>} <Status status={uncertain ? 'uncertain' : status} label={uncertain ? 'Within budget as far as is known' : status === 'ok' ? 'Within budget' : undefined} />
				</p>
			)}
			<ul class="budget-kinds">
				{KINDS.filter(([kind]) => kind !== 'unclassified' || parts.unclassified.n > 0).map(([kind, name, means]) => (
					<li key={kind}>
						<span class="budget-name">{name} <span class="budget-means">{means}</span></span>
						<span class="budget-track" aria-hidden="true">
							<span class={`budget-bar is-${kind}`} style={{ width: `${((parts[kind].share ?? 0) / whole) * 100}%` }} />
							{kind === 'opportunistic' && limit !== null && <span class="mix-plumb" style={{ left: `${(limit / whole) * 100}%` }} />}
						</span>
						<span class="budget-figure">{percent(parts[kind].share, 1)}<span class="budget-means"> {money(parts[kind].amount, currency)}, {count(parts[kind].n)} {parts[kind].n === 1 ? 'deal' : 'deals'}</span></span>
					</li>
				))}
			</ul>
		</div>
	)
}

export function BudgetTable({ row, currency }: { row: Row<Parts | null>; currency: string | null }) {
	const parts = row.parts
	if (!parts) return null
	return (
		<DataTable caption="Off-strategy wins" rows={KINDS} rowKey={([kind]) => kind} columns={[
			{ key: 'kind', label: 'Won off strategy', cell: ([, name, means]) => `${name}: ${means}` },
			{ key: 'n', label: 'Deals', align: 'right', cell: ([kind]) => count(parts[kind].n) },
			{ key: 'amount', label: 'Money', align: 'right', cell: ([kind]) => money(parts[kind].amount, currency) },
			{ key: 'share', label: 'Share of money won', align: 'right', cell: ([kind]) => percent(parts[kind].share, 1) }
		]} />
	)
}
