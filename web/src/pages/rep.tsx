// One rep: what the numbers say and how sure they are, what they are made of, and what to do instead.
import { Answered, PageLink } from '../components/basics'
import { Figure } from '../components/figure'
import { MixRows, MixTable } from '../components/mix'
import { PageHead } from '../components/page-head'
import { Brief, type BriefAnswer } from '../components/rep/brief'
import { Figures } from '../components/rep/figures'
import { Deals, Hours, Waiting, type AccountHours, type Deal, type WaitingAccount } from '../components/rep/tables'
import { Term } from '../components/term'
import { TrendChart, TrendTable, type Line } from '../components/trend'
import { useAnswer, type Answer } from '../lib/answers'
import { useFilters, type Filters } from '../lib/filters'
import { count, date, percent, why } from '../lib/format'
import { useLabels } from '../lib/labels'
import { lastDay, yearUpTo } from '../lib/periods'
import { session } from '../lib/session'
import type { AlignmentAnswer, MetricAnswer, MixParts, Row, Terms } from '../lib/types'
import type { PageProps } from '../pages'

interface RepAnswer extends Terms {
	label: string
	metrics: Record<string, Row>
	off_strategy_deals: Deal[]
	off_strategy_hours: AccountHours[]
}

type Label = (key: string) => string

function Mix({ metric, title, filters, label }: { metric: string; title: string; filters: Filters; label: Label }) {
	const answer = useAnswer<MetricAnswer<MixParts | null>>({ path: `/v1/metrics/${metric}`, query: filters })
	return (
		<Figure title={<Term metric={metric}>{title}</Term>} request={answer.request} lead="Money won against the strategy’s mix."
			table={answer.data?.total.parts?.keys && <MixTable keys={answer.data.total.parts.keys} label={label} currency={answer.data.currency} />}>
			<Answered answer={answer}>
				{({ total, currency }) => (total.value === null || !total.parts ? <p class="no-value">No mix: {why(total.reason)}.</p> : (
					<>
						<MixRows keys={total.parts.keys} label={label} currency={currency} />
						{total.low_n && <p class="small-n">Only {count(total.n)} {total.n === 1 ? 'deal' : 'deals'}: one more may turn it round.</p>}
					</>
				))}
			</Answered>
		</Figure>
	)
}

const TRENDS: [metric: string, label: string, colour: Line['colour'], scale: number][] = [
	['alignment_index', 'Alignment', 'on', 1],
	['bookings_share', 'Bookings on strategy', 'off-mark', 100],
	['selling_time_share', 'Selling time on strategy', 'ink-3', 100]
]

function Trend({ end, filters }: { end: string; filters: Filters }) {
	const body = { metrics: TRENDS.map(([metric]) => metric), granularity: 'month', ...filters, period: yearUpTo(end) }
	const answer = useAnswer<{ data: MetricAnswer[] }>({ path: '/v1/query', method: 'POST', body })
	const rows = answer.data?.data[0]?.rows ?? []
	const lines: Line[] = TRENDS.map(([metric, label, colour, scale]) => {
		const found = answer.data?.data.find(one => one.metric === metric)?.rows ?? []
		return { label, colour, values: found.map(row => (row.value === null ? null : Number(row.value) * scale)), low: found.map(row => row.low_n) }
	})
	const chart = { periods: rows.map(row => row.period ?? row.key), lines, range: [0, 100] as [number, number], text: (value: number) => count(value), label: 'Twelve months' }
	return (
		<Figure title="Twelve months" request={answer.request} lead="By month, up to the end of the period; out of 100." table={answer.data && <TrendTable {...chart} />}>
			<Answered answer={answer}>{() => <TrendChart {...chart} />}</Answered>
		</Figure>
	)
}

function WhiteSpace({ filters, label }: { filters: Filters; label: Label }) {
	const answer = useAnswer<{ data: WaitingAccount[]; next: string | null }>({ path: '/v1/metrics/white_space/rows', query: { ...filters, limit: 10 } })
	return (
		<Figure title={<Term metric="white_space">Accounts to work instead</Term>} request={answer.request} lead="On strategy, of this rep, without an open deal and without an activity in 90 days; the most promising first.">
			<Answered answer={answer}>
				{({ data }) => (data.length === 0 ? <p class="no-value">None: no account on strategy of this rep is left waiting.</p> : <Waiting rows={data} label={label} />)}
			</Answered>
		</Figure>
	)
}

function BriefFigure({ id, filters }: { id: string; filters: Filters }) {
	const answer = useAnswer<BriefAnswer>({ path: `/v1/reps/${encodeURIComponent(id)}/brief`, query: filters })
	return (
		<Figure title="What the numbers say" request={answer.request} csv={false}>
			<Answered answer={answer}>{brief => <Brief brief={brief} />}</Answered>
		</Figure>
	)
}

function Body({ id, rep, answer, filters }: { id: string; rep: RepAnswer; answer: Answer<RepAnswer>; filters: Filters }) {
	const label = useLabels()
	const mine: Filters = { ...filters, rep: id }
	const all = useAnswer<AlignmentAnswer>(session.get()?.read === 'all' ? { path: '/v1/alignment', query: filters } : null)
	const { currency } = rep
	return (
		<>
			<PageHead title={rep.label} crumb={<PageLink to="/reps">Reps</PageLink>} lead={`${date(rep.params['start'])} to ${date(lastDay(rep.params['end']))}`} />
			<Figures metrics={rep.metrics} others={all.data?.total.metrics} />
			<div class="stack">
				<div class="rep-first">
					<div class="stack">
						<BriefFigure id={id} filters={filters} />
						<Mix metric="segment_mix" title="Segments" filters={mine} label={label} />
					</div>
					<div class="stack">
						<Trend end={rep.params['end']} filters={mine} />
						<Mix metric="product_mix" title="Products" filters={mine} label={label} />
					</div>
				</div>
				<div class="columns">
					<Figure title="Deals off strategy" request={answer.request} csv={{ path: '/v1/metrics/bookings_share/rows', query: mine }} lead={`The largest; ${percent(rep.metrics['bookings_share']?.value ?? null)} of the money won is on strategy.`}>
						{rep.off_strategy_deals.length === 0 ? <p class="no-value">None in this period.</p> : <Deals rows={rep.off_strategy_deals} label={label} currency={currency} />}
					</Figure>
					<Figure title={<Term metric="off_strategy_investment">Hours off strategy</Term>} request={answer.request} csv={{ path: '/v1/metrics/off_strategy_investment/rows', query: mine }} lead="The accounts that took most of them.">
						{rep.off_strategy_hours.length === 0 ? <p class="no-value">None in this period.</p> : <Hours rows={rep.off_strategy_hours} label={label} />}
					</Figure>
				</div>
				<WhiteSpace filters={mine} label={label} />
			</div>
		</>
	)
}

export default function Rep({ params }: PageProps) {
	const filters = useFilters()
	delete filters['team'] // the rep's own figures, whatever team the list was filtered by
	const id = params['id']!
	const answer = useAnswer<RepAnswer>({ path: `/v1/reps/${encodeURIComponent(id)}/alignment`, query: filters })
	return <Answered answer={answer}>{rep => <Body id={id} rep={rep} answer={answer} filters={filters} />}</Answered>
}
