// The deals behind the numbers, each with its verdict.
import { Answered, Empty } from '../components/basics'
import { Choice, useChoice } from '../components/choice'
import { DealTable, More, type DealRow } from '../components/deals'
import { Figure } from '../components/figure'
import { PageHead } from '../components/page-head'
import { useFilters } from '../lib/filters'
import { usePages } from '../lib/paging'
import { periodName } from '../lib/periods'
import { useLocation } from '../lib/router'
import { useLabels } from '../lib/labels'
import type { Terms } from '../lib/types'

const SHOWN = [
	['bookings_share', 'Won'],
	['win_rate', 'Won and lost'],
	['open_pipeline_share', 'Open'],
	['pipeline_created_share', 'Created']
] as const
const SENTENCE: Record<string, string> = {
	bookings_share: 'Deals won in the period, judged by the strategy in force when they were won. Unknown ones are in neither share.',
	win_rate: 'Deals decided in the period, won or lost.',
	open_pipeline_share: 'Deals open at the end of the period, judged as they stood then.',
	pipeline_created_share: 'Deals that came into the pipeline in the period, judged as they stood when they came.'
}
const DATED: Record<string, string> = { bookings_share: 'Won', win_rate: 'Decided', open_pipeline_share: 'As of', pipeline_created_share: 'Created' }

export default function Deals() {
	const filters = useFilters()
	const { query } = useLocation()
	const label = useLabels()
	const metric = useChoice('shown', SHOWN)
	const narrowed = Object.fromEntries(['rep', 'segment', 'tier', 'origin', 'product'].filter(name => query[name]).map(name => [name, query[name]]))
	const list = usePages<DealRow>({ path: `/v1/metrics/${metric}/rows`, query: { ...filters, ...narrowed } })
	const terms = list.data as (Terms & { data: DealRow[] }) | null
	const also = Object.entries(narrowed).map(([name, value]) => `${name} ${name === 'segment' ? label(value!) : value}`).join(', ')
	return (
		<>
			<PageHead title="Deals" lead={`Every number can be followed down to the deals it is made of. ${periodName(filters['period']!)}${also && `; only ${also}`}.`} />
			<Choice label="Which deals" name="shown" options={SHOWN} />
			<Answered answer={list} what="Fetching deals">
				{() => list.rows.length === 0 ? <Empty title="No such deal in this period">Pick another period or team.</Empty> : (
					<Figure title={SHOWN.find(([key]) => key === metric)![1]} request={list.request} lead={SENTENCE[metric]}>
						<DealTable rows={list.rows} currency={terms?.currency ?? null} caption="Deals" dated={DATED[metric]!} />
						<More list={list} />
					</Figure>
				)}
			</Answered>
		</>
	)
}
