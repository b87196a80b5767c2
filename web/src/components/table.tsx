// A table one can sort and walk with the keyboard. Figures stand under each other; what rests on few cases is grey and says so.
import type { ComponentChildren } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { interval } from '../lib/format'
import type { Row, Value } from '../lib/types'
import { classes, SmallN, Status } from './basics'
import { MetricValue } from './metric-value'
import { Term } from './term'

export interface Column<T> {
	key: string
	label: string
	/** Key of the metric that explains the label. */
	term?: string
	/** Numbers stand right; text left. */
	align?: 'left' | 'right'
	/** What it is sorted by; without it the column is not sortable. null goes last, whichever way. */
	sort?: (row: T) => number | string | null
	/** Which way a first press sorts; default: numbers downwards, text upwards. */
	first?: 'up' | 'down'
	cell: (row: T) => ComponentChildren
	/** Leave it out where the window is narrow. */
	wide?: boolean
}

interface Props<T> {
	caption: string
	columns: Column<T>[]
	rows: T[]
	rowKey: (row: T) => string
	/** Rows that are shown grey, because they say little. */
	muted?: (row: T) => boolean
	/** Sorted by this column at first: its key, "-key" downwards. */
	sortBy?: string
	/** A row below the others that takes no part in sorting. */
	total?: T
}

interface Order {
	key: string
	down: boolean
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })

function sorted<T>(rows: T[], columns: Column<T>[], order: Order | null): T[] {
	const sort = columns.find(column => column.key === order?.key)?.sort
	if (!sort || !order) return rows
	const way = order.down ? -1 : 1
	return rows.map(row => ({ row, by: sort(row) })).sort((a, b) => {
		if (a.by === null || b.by === null) return a.by === b.by ? 0 : a.by === null ? 1 : -1
		return way * (typeof a.by === 'number' && typeof b.by === 'number' ? a.by - b.by : collator.compare(String(a.by), String(b.by)))
	}).map(({ row }) => row)
}

/** Up and down go from row to row, by the link or button that each begins with. */
function walk(event: KeyboardEvent, body: HTMLTableSectionElement | null): void {
	const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
	if (!step || !body) return
	const starts = [...body.rows].map(row => row.querySelector<HTMLElement>('a, button')).filter(start => start !== null)
	const at = starts.findIndex(start => start.closest('tr')?.contains(document.activeElement))
	const next = at < 0 ? undefined : starts[at + step]
	if (!next) return
	event.preventDefault()
	next.focus()
}

export function DataTable<T>({ caption, columns, rows, rowKey, muted, sortBy, total }: Props<T>) {
	const [order, setOrder] = useState<Order | null>(sortBy ? { key: sortBy.replace(/^-/, ''), down: sortBy.startsWith('-') } : null)
	const body = useRef<HTMLTableSectionElement>(null)

	const press = (column: Column<T>) => {
		const numeric = column.align === 'right'
		const down = order?.key === column.key ? !order.down : column.first ? column.first === 'down' : numeric
		setOrder({ key: column.key, down })
	}
	const cells = (row: T) => columns.map((column, at) => {
		const name = classes(column.align === 'right' && 'figure-cell', column.wide && 'wide-only')
		return at === 0 ? <th scope="row" class={name}>{column.cell(row)}</th> : <td key={column.key} class={name}>{column.cell(row)}</td>
	})
	return (
		<div class="table-scroll" tabIndex={0} role="region" aria-label={`Table: ${caption}`}>
			<table class="data">
				<caption class="visually-hidden">{caption}</caption>
				<thead>
					<tr>
						{columns.map(column => (
							<th key={column.key} scope="col" class={classes(column.align === 'right' && 'figure-cell', column.wide && 'wide-only')}
								aria-sort={order?.key === column.key ? (order.down ? 'descending' : 'ascending') : undefined}>
								<Head column={column} order={order} press={() => press(column)} />
							</th>
						))}
					</tr>
				</thead>
				<tbody ref={body} onKeyDown={event => walk(event, body.current)}>
					{sorted(rows, columns, order).map(row => <tr key={rowKey(row)} class={classes(muted?.(row) && 'muted')}>{cells(row)}</tr>)}
				</tbody>
				{total && <tfoot><tr>{cells(total)}</tr></tfoot>}
			</table>
		</div>
	)
}

function Head<T>({ column, order, press }: { column: Column<T>; order: Order | null; press: () => void }) {
	const mine = order?.key === column.key
	const mark = column.sort && <span class={classes('sort-mark', mine && 'is-on')} aria-hidden="true">{mine ? (order.down ? '↓' : '↑') : '↕'}</span>
	if (column.term) return <Term metric={column.term} class={classes(column.sort && 'sort')} onClick={column.sort && press}>{column.label}{mark}</Term>
	return column.sort ? <button type="button" class="sort" onClick={press}>{column.label}{mark}</button> : <>{column.label}</>
}

/** A metric in a cell: the value, what it may be as well, and whether it rests on little; then it gets no verdict. */
export function MetricCell({ row, text }: { row: Row | undefined; text: (value: Value) => string }) {
	if (!row || row.value === null) return <MetricValue row={row} text={text} />
	return (
		<span class={classes('metric-cell', row.low_n && 'is-low')}>
			<span class="value">{text(row.value)}</span>
			{row.low_n ? <SmallN row={row} /> : row.ci && <span class="interval" title="95% interval">{interval(row.ci)}</span>}
			{!row.low_n && <Status status={row.status} />}
		</span>
	)
}
