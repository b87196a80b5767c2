// Why a deal counts as it does: when it was judged, by which strategy, on what it rests, in which numbers it is.
import type { ComponentChildren } from 'preact'
import { Answered, PageLink } from '../components/basics'
import { Figure } from '../components/figure'
import { AccountLink, RepLink, StrategyLink } from '../components/links'
import { PageHead } from '../components/page-head'
import { DataTable } from '../components/table'
import { Term } from '../components/term'
import { ClassMark, Criteria, Facts, type Breakdown, type Criterion } from '../components/verdict'
import { useAnswer } from '../lib/answers'
import { useFilters } from '../lib/filters'
import { count, date, exact, hours, NONE, percent, words } from '../lib/format'
import { useLabels } from '../lib/labels'
import { useNames } from '../lib/names'
import type { PageProps } from '../pages'

interface Verdict extends Omit<Breakdown, 'criteria'> {
	at: string
	rep: string | null
	team: string | null
	account: string | null
	strategy: string | null
	segment: string
	tier: string
	class: string
	reason: string | null
	backcast: boolean
	breakdown: { criteria: Criterion[]; disqualified_by?: unknown; required_missed?: string | null } | null
}
interface Deal {
	id: string
	name: string | null
	stage: string | null
	outcome: string
	owner: string | null
	account: string | null
	origin: string | null
	amount: string | null
	amount_currency: string | null
	money: string | null
	currency: string
	probability: number | null
	created_at: string
	closed_at: string | null
	rate_date: string | null
	expected_close: string | null
	created: Verdict | null
	closed: Verdict | null
	open: Verdict | null
	families: { key: string; weight: number; money: string | null }[]
	hours: number
	counted_in: { metric: string; at: string; class: string; counts_money: boolean }[] | null
}

function JudgedAt({ title, verdict, label }: { title: string; verdict: Verdict; label: (key: string) => string }) {
	const rep = useNames('reps')
	const team = useNames('teams')
	return (
		<section class="judged">
			<h3>{title} <span class="hint">{date(verdict.at)}</span></h3>
			<p class="judged-class"><ClassMark name={verdict.class} reason={verdict.reason} /></p>
			<Facts facts={[
				['Segment', label(verdict.segment)],
				['Tier', verdict.tier],
				['Score', verdict.score === null ? NONE : `${count(verdict.score)} of 100`],
				['Strategy', verdict.strategy ? <StrategyLink id={verdict.strategy} /> : NONE],
				['Credited to', `${rep(verdict.rep)}${verdict.team ? `, ${team(verdict.team)}` : ''}`],
				['Known', verdict.coverage === null ? NONE : `${percent(verdict.coverage)} of what counts${verdict.backcast ? '; in part known only later' : ''}`]
			]} />
		</section>
	)
}

function latest(deal: Deal): Verdict | null {
	return deal.closed ?? deal.open ?? deal.created
}

function CountedIn({ deal }: { deal: Deal }) {
	const at: Record<string, ComponentChildren> = { created_at: 'its creation', closed_at: 'its close', as_of: 'now' }
	return (
		<DataTable caption="Numbers this deal is in" rows={deal.counted_in ?? []} rowKey={row => row.metric} columns={[
			{ key: 'metric', label: 'Number', cell: row => <Term metric={row.metric} /> },
			{ key: 'class', label: 'Counts as', cell: row => <ClassMark name={row.class} /> },
			{ key: 'at', label: 'Judged at', cell: row => at[row.at] ?? words(row.at) },
			{ key: 'money', label: 'Its money', align: 'right', cell: row => (row.counts_money ? 'counts' : 'does not count') }
		]} />
	)
}

export default function DealPage({ params }: PageProps) {
	const { as_of, known_at } = useFilters()
	const label = useLabels()
	const rep = useNames('reps')
	const id = params['id']!
	const answer = useAnswer<Deal>({ path: `/v1/opportunities/${encodeURIComponent(id)}/alignment`, query: { as_of, known_at } })
	const account = useAnswer<{ name: string | null }>(answer.data?.account ? { path: `/v1/accounts/${encodeURIComponent(answer.data.account)}` } : null)
	return (
		<Answered answer={answer} what="Looking at the deal">
			{deal => {
				const verdict = latest(deal)
				return (
					<>
						<PageHead crumb={<PageLink to="/deals">Deals</PageLink>} title={deal.name ?? deal.id} lead={<><ClassMark name={verdict?.class} reason={verdict?.reason} /></>} />
						<div class="stack">
							<Figure title="The deal" request={answer.request} csv={false}>
								<Facts facts={[
									['Account', deal.account ? <AccountLink id={deal.account}>{account.data?.name ?? deal.account}</AccountLink> : 'none named'],
									['Owner', <RepLink id={deal.owner}>{rep(deal.owner)}</RepLink>],
									['State', `${deal.outcome}${deal.stage && deal.stage !== deal.outcome ? `, ${words(deal.stage)}` : ''}`],
									['Amount', deal.amount === null ? 'not named' : exact(deal.amount, deal.amount_currency)],
									...(deal.money !== null && deal.currency !== deal.amount_currency ? [[`In ${deal.currency}`, `${exact(deal.money, deal.currency)} at the rate of ${date(deal.rate_date)}`] as [string, string]] : []),
									['Created', date(deal.created_at)],
									deal.closed_at ? ['Closed', date(deal.closed_at)] : ['Expected to close', date(deal.expected_close)],
									['Origin', deal.origin ?? NONE],
									['Selling time', hours(deal.hours)],
									['Products', deal.families.length === 0 ? 'none named' : deal.families.map(({ key, weight }) => `${label(key)} ${percent(weight)}`).join(', ')]
								]} />
							</Figure>
							<Figure title="How it was judged" request={answer.request} csv={false} lead="A deal is judged by the strategy and by what the account was when it was created, and again when it was decided.">
								<div class="columns">
									{deal.created && <JudgedAt title="Created" verdict={deal.created} label={label} />}
									{deal.closed && <JudgedAt title={deal.outcome === 'won' ? 'Won' : 'Lost'} verdict={deal.closed} label={label} />}
									{deal.open && <JudgedAt title="As it stands" verdict={deal.open} label={label} />}
								</div>
							</Figure>
							{verdict?.breakdown && (
								<Figure title="What the score is made of" request={answer.request} csv={false} lead={`As of ${date(verdict.at)}. The contributions add up to the score.`}>
									<Criteria fit={{ ...verdict, ...verdict.breakdown }} />
								</Figure>
							)}
							{deal.counted_in && <Figure title="Where it counts" request={answer.request} csv={false}><CountedIn deal={deal} /></Figure>}
						</div>
					</>
				)
			}}
		</Answered>
	)
}
