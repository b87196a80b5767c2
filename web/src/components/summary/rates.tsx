// Whether staying on strategy pays: the win rate of both kinds of deals with what it may be as well.
import { count, interval, percent } from '../../lib/format'
import type { Row } from '../../lib/types'
import { DataTable } from '../table'

interface Rate {
	value: number | null
	numerator: number
	n: number
	ci: [number, number] | null
}

const KINDS: ['on' | 'off', string][] = [['on', 'On strategy'], ['off', 'Off strategy']]

export function Rates({ row }: { row: Row }) {
	const at = (share: number) => `${share * 100}%`
	return (
		<ul class="rates">
			{KINDS.map(([kind, name]) => {
				const rate = row.parts?.[kind] as Rate | undefined
				return (
					<li key={kind}>
						<span>{name}</span>
						<span class="rates-track" aria-hidden="true">
							{rate?.ci && <span class={`rates-range is-${kind}`} style={{ left: at(rate.ci[0]), width: at(rate.ci[1] - rate.ci[0]) }} />}
							{rate?.value != null && <span class={`rates-dot is-${kind}`} style={{ left: at(rate.value) }} />}
						</span>
						<span class="rates-figure"><strong>{percent(rate?.value ?? null)}</strong> <span class="budget-means">{interval(rate?.ci)} · {count(rate?.n ?? 0)} deals</span></span>
					</li>
				)
			})}
			<li class="rates-scale" aria-hidden="true"><span /><span class="rates-ticks"><span>0%</span><span>50%</span><span>100%</span></span><span /></li>
		</ul>
	)
}

export function RatesTable({ row }: { row: Row }) {
	return (
		<DataTable caption="Win rate by fit" rows={KINDS} rowKey={([kind]) => kind} columns={[
			{ key: 'kind', label: 'Deals', cell: ([, name]) => name },
			{ key: 'won', label: 'Won', align: 'right', cell: ([kind]) => count(row.parts?.[kind]?.numerator ?? null) },
			{ key: 'n', label: 'Decided', align: 'right', cell: ([kind]) => count(row.parts?.[kind]?.n ?? null) },
			{ key: 'rate', label: 'Win rate', term: 'win_rate', align: 'right', cell: ([kind]) => percent(row.parts?.[kind]?.value ?? null, 1) },
			{ key: 'ci', label: '95% interval', align: 'right', cell: ([kind]) => interval(row.parts?.[kind]?.ci) }
		]} />
	)
}
