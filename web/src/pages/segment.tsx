// One segment: its figures, its year, its reps, and the deals and hours in it that the strategy did not ask for.
import { Answered, Empty, PageLink, SmallN, Status } from '../components/basics'
import { Figure } from '../components/figure'
import { RepLink } from '../components/links'
import { MetricValue } from '../components/metric-value'
import { PageHead } from '../components/page-head'
import { Deals, Hours, type AccountHours, type Deal } from '../components/rep/tables'
import { Sparkline } from '../components/sparkline'
import { DataTable, MetricCell, type Column } from '../components/table'
import { Term } from '../components/term'
import { useAnswer } from '../lib/answers'
import { useFilters } from '../lib/filters'
import { hours, money, percent } from '../lib/format'
import { useLabels } from '../lib/labels'
import { periodName, yearUpTo } from '../lib/periods'
import type { AlignmentAnswer, AlignmentRow, Row, Terms } from '../lib/types'
import type { PageProps } from '../pages'

interface One extends Terms {
	key: string
	label: string
	metrics: Record<string, Row>
	trend: AlignmentRow[]
	off_strategy_deals: Deal[]
	off_strategy_hours: AccountHours[]
}

const FIGURES = ['bookings_share', 'open_pipeline_share', 'selling_time_share', 'opportunistic'] as const

function Figures({ one, year }: { one: One; year: AlignmentRow[] }) {
	return (
		<dl class="figures">
			{FIGURES.map(key => {
				const row = one.metrics[key]
				const months = year.map(({ metrics }) => (metrics[key]?.value == null ? null : Number(metrics[key]?.value)))
				return (
					<div key={key} class={row?.low_n ? 'is-low' : undefined}>
						<dt><Term metric={key} /></dt>
						<dd class="figures-value"><MetricValue row={row} text={value => percent(value)} /></dd>
						<dd class="figures-more">{row?.low_n ? <SmallN row={row} /> : <Status status={row?.status} />}</dd>
						<dd><Sparkline values={months} range={[0, 1]} label={year.map(({ key: month, metrics }) => `${month}: ${percent(metrics[key]?.value)}`).join(', ')} /></dd>
					</div>
				)
			})}
		</dl>
	)
}

const REP_COLUMNS = (currency: string | null): Column<AlignmentRow>[] => [
	{ key: 'rep', label: 'Rep', sort: row => row.label ?? row.key, cell: row => <RepLink id={row.key}>{row.label ?? row.key}</RepLink> },
	{ key: 'won', label: 'Won here', align: 'right', sort: row => Number(row.metrics['bookings_share']?.denominator ?? 0), cell: row => money(row.metrics['bookings_share']?.denominator, currency) },
	{ key: 'bookings_share', label: 'On strategy', term: 'bookings_share', align: 'right', sort: row => (row.metrics['bookings_share']?.value == null ? null : Number(row.metrics['bookings_share']?.value)), cell: row => <MetricCell row={row.metrics['bookings_share']} text={value => percent(value)} /> },
	{ key: 'hours', label: 'Hours here', align: 'right', sort: row => Number(row.metrics['selling_time_share']?.denominator ?? 0), cell: row => hours(row.metrics['selling_time_share']?.denominator) }
]

export default function Segment({ params }: PageProps) {
	const filters = useFilters()
	const label = useLabels()
	const key = params['key']!
	const path = `/v1/segments/${encodeURIComponent(key)}/alignment`
	const answer = useAnswer<One>({ path, query: filters })
	const end = answer.data?.params['end'] as string | undefined
	const year = useAnswer<One>(end ? { path, query: { ...filters, period: yearUpTo(end), granularity: 'month' } } : null)
	const reps = useAnswer<AlignmentAnswer>({ path: '/v1/alignment', query: { by: 'rep', segment: key, ...filters } })
	const active = reps.data?.rows.filter(({ metrics }) => Number(metrics['bookings_share']?.denominator ?? 0) > 0 || Number(metrics['selling_time_share']?.denominator ?? 0) > 0) ?? []
	return (
		<Answered answer={answer} what="Adding up the segment">
			{one => (
				<>
					<PageHead crumb={<PageLink to="/segments">Segments</PageLink>} title={one.label} lead={`Whether the right accounts are won, worked on and kept in the pipeline here. ${periodName(filters['period']!)}; the small lines are the last twelve months.`} />
					<div class="stack">
						<Figure title="In this period" request={answer.request} csv={false}><Figures one={one} year={year.data?.trend ?? []} /></Figure>
						<div class="columns">
							<Figure title="Largest deals off strategy" request={answer.request} csv={false} lead="Won in the period, or open at its end.">
								{one.off_strategy_deals.length === 0 ? <Empty title="None" /> : <Deals rows={one.off_strategy_deals} label={label} currency={one.currency} />}
							</Figure>
							<Figure title="Hours off strategy" request={answer.request} csv={false} lead="Accounts that took most selling time and do not fit.">
								{one.off_strategy_hours.length === 0 ? <Empty title="None" /> : <Hours rows={one.off_strategy_hours} label={label} />}
							</Figure>
						</div>
						<Answered answer={reps} what="Adding up the reps">
							{data => active.length === 0 ? null : (
								<Figure title="Who sells here" request={reps.request}>
									<DataTable caption="Reps in this segment" rows={active} rowKey={row => row.key} sortBy="-won" muted={row => row.metrics['bookings_share']?.low_n ?? false} columns={REP_COLUMNS(data.currency)} />
								</Figure>
							)}
						</Answered>
					</div>
				</>
			)}
		</Answered>
	)
}
