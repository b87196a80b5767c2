// What is sold and what is said: product mix and value messages against the plan, and how reps sell.
import { Answered, Empty } from '../components/basics'
import { Figure } from '../components/figure'
import { RepLink } from '../components/links'
import { MixRows, MixTable } from '../components/mix'
import { PageHead } from '../components/page-head'
import { DataTable, MetricCell, type Column } from '../components/table'
import { Term } from '../components/term'
import { useAnswer } from '../lib/answers'
import { useFilters } from '../lib/filters'
import { count, interval, NONE, percent, points, why } from '../lib/format'
import { useLabels } from '../lib/labels'
import { periodName } from '../lib/periods'
import type { MetricAnswer, MixKey, MixParts, Row } from '../lib/types'

interface Form {
	value: number | null
	numerator: number
	denominator: number
	n: number
	ci?: [number, number] | null
}
interface Message {
	key: string
	target: number | null
	deals: Form
	calls: Form
	emphasis: number | null
	emphasis_n: number
	gap: number | null
	unplanned: boolean
}
interface MessageParts {
	keys: Message[]
	emphasis_tv: number | null
}

/** Of all that was said, the part each message had, as a mix. */
const emphasis = (keys: Message[]): MixKey[] => keys.map(({ key, target, emphasis: actual, gap, unplanned }) => ({ key, target, actual, gap, amount: null, unplanned }))

function Said({ form }: { form: Form }) {
	if (form.value === null) return <>{NONE}</>
	return <span class="metric-cell"><span class="value">{percent(form.value)}</span>{form.ci && <span class="interval" title={`95% interval, of ${form.n}`}>{interval(form.ci)}</span>}</span>
}

function Messages({ parts, label }: { parts: MessageParts; label: (key: string) => string }) {
	return (
		<DataTable caption="Value messages" rows={parts.keys} rowKey={row => row.key} sortBy="-target" columns={[
			{ key: 'message', label: 'Message', sort: row => label(row.key), cell: row => <>{label(row.key)}{row.unplanned && <span class="mix-unplanned">not in the plan</span>}</> },
			{ key: 'target', label: 'Plan', align: 'right', sort: row => row.target, cell: row => percent(row.target) },
			{ key: 'emphasis', label: 'Of what was said', align: 'right', sort: row => row.emphasis, cell: row => percent(row.emphasis) },
			{ key: 'gap', label: 'Gap, points', align: 'right', wide: true, sort: row => row.gap, cell: row => points(row.gap, 0) },
			{ key: 'deals', label: 'Deals that heard it', align: 'right', sort: row => row.deals.value, cell: row => <Said form={row.deals} /> },
			{ key: 'calls', label: 'Conversations', align: 'right', wide: true, sort: row => row.calls.value, cell: row => <Said form={row.calls} /> }
		]} />
	)
}

interface Habit {
	key: string
	label: string
	hint: string
	text: (value: Form['value']) => string
}
const HABITS: Habit[] = [
	{ key: 'discovery_first', label: 'Discovery before the proposal', hint: 'of deals with a proposal', text: value => percent(value) },
	{ key: 'multi_thread', label: 'Several people at the customer', hint: 'of deals, two or more took part', text: value => percent(value) },
	{ key: 'value_case', label: 'A value case', hint: 'of deals with a proposal', text: value => percent(value) },
	{ key: 'in_band', label: 'Talk ratio in the band', hint: 'of recorded conversations', text: value => percent(value) },
	{ key: 'talk_ratio', label: 'Rep talks', hint: 'of the talking time, on average', text: value => percent(value) },
	{ key: 'questions_per_30min', label: 'Questions in 30 minutes', hint: 'asked by the rep', text: value => count(value, 1) }
]

function Habits({ row }: { row: Row }) {
	return (
		<dl class="figures">
			{HABITS.map(({ key, label, hint, text }) => {
				const form: Form | undefined = row.forms[key]
				return (
					<div key={key}>
						<dt>{label}</dt>
						<dd class="figures-value">{form ? text(form.value) : NONE}</dd>
						<dd class="figures-more">{hint}{form && form.n > 0 && `, of ${count(form.n)}`}{form?.ci && `; 95% interval ${interval(form.ci)}`}</dd>
					</div>
				)
			})}
		</dl>
	)
}

interface Rep {
	key: string
	label: string
	product: Row<MixParts> | undefined
	message: Row<MessageParts> | undefined
	consultative: Row | undefined
}
const number = (row: Row | undefined): number | null => (row?.value == null ? null : Number(row.value))

const REP_COLUMNS: Column<Rep>[] = [
	{ key: 'rep', label: 'Rep', sort: row => row.label, cell: row => <RepLink id={row.key}>{row.label}</RepLink> },
	{ key: 'product', label: 'Product gap', term: 'product_mix', align: 'right', sort: row => number(row.product), cell: row => <MetricCell row={row.product} text={value => percent(value)} /> },
	{ key: 'message', label: 'Messages used', term: 'message_adoption', align: 'right', sort: row => number(row.message), cell: row => <MetricCell row={row.message} text={value => percent(value)} /> },
	{ key: 'discovery', label: 'Discovery first', term: 'consultative', align: 'right', sort: row => number(row.consultative), cell: row => <MetricCell row={row.consultative} text={value => percent(value)} /> }
]

function byRep(product: MetricAnswer<MixParts>, message: MetricAnswer<MessageParts>, consultative: MetricAnswer): Rep[] {
	const found = new Map<string, Rep>()
	for (const { key, label } of [...product.rows, ...message.rows, ...consultative.rows]) found.set(key, { key, label: label ?? key, product: undefined, message: undefined, consultative: undefined })
	for (const row of product.rows) found.get(row.key)!.product = row
	for (const row of message.rows) found.get(row.key)!.message = row
	for (const row of consultative.rows) found.get(row.key)!.consultative = row
	return [...found.values()]
}

export default function Offer() {
	const filters = useFilters()
	const label = useLabels()
	const ask = <P,>(key: string) => useAnswer<MetricAnswer<P>>({ path: `/v1/metrics/${key}`, query: { by: 'rep', ...filters } })
	const product = ask<MixParts>('product_mix')
	const message = ask<MessageParts>('message_adoption')
	const consultative = ask<unknown>('consultative')
	return (
		<>
			<PageHead title="Products and messages" lead={`What is sold, and why customers are told to buy it. ${periodName(filters['period']!)}.`} />
			<div class="stack">
				<div class="columns">
					<Answered answer={product} what="Adding up products">
						{data => (
							<Figure title="What is sold" request={product.request} lead={<>Money won by <Term metric="product_mix">product family</Term>, against the plan.</>}
								table={data.total.value !== null && <MixTable keys={data.total.parts.keys} label={label} currency={data.currency} />}>
								{data.total.value === null ? <Empty title="No mix to show">{why(data.total.reason)}</Empty> : <MixRows keys={data.total.parts.keys} label={label} currency={data.currency} />}
							</Figure>
						)}
					</Answered>
					<Answered answer={message} what="Adding up messages">
						{data => (
							<Figure title="What is said" request={message.request} lead={<>Of all <Term metric="message_adoption">value messages</Term> heard in conversations, the part of each.</>}>
								{data.total.parts.keys.length === 0 ? <Empty title="No messages to show">{why(data.total.reason)}</Empty> : <MixRows keys={emphasis(data.total.parts.keys)} label={label} actual="Said" />}
							</Figure>
						)}
					</Answered>
				</div>
				<Answered answer={message}>
					{data => data.total.parts.keys.length === 0 ? null : (
						<Figure title="Message by message" request={message.request} lead="A plan is kept when a customer has heard it: the part of deals, and of conversations, in which a message was used.">
							<Messages parts={data.total.parts} label={label} />
						</Figure>
					)}
				</Answered>
				<Answered answer={consultative} what="Looking at conversations">
					{data => (
						<Figure title="How it is sold" request={consultative.request} lead={<>Signs of <Term metric="consultative">consultative selling</Term>. They describe habits; there is no index of them.</>}>
							<Habits row={data.total} />
						</Figure>
					)}
				</Answered>
				{product.data && message.data && consultative.data && product.data.rows.length > 0 && (
					<Figure title="Rep by rep" request={product.request} lead="A gap of 0 is a mix exactly as planned.">
						<DataTable caption="Products and messages by rep" rows={byRep(product.data, message.data, consultative.data)} rowKey={row => row.key} sortBy="rep"
							muted={row => (row.product?.low_n ?? true) && (row.message?.low_n ?? true)} columns={REP_COLUMNS} />
					</Figure>
				)}
			</div>
		</>
	)
}
