// What became, or would become, of each item of a delivery.
import { words } from '../../lib/format'
import { DataTable } from '../table'

export interface Outcome {
	index: number
	outcome: string
	kind?: string | null
	id?: string | null
	code?: string | null
	pointer?: string | null
	message?: string | null
}

export function Outcomes({ items }: { items: Outcome[] }) {
	return (
		<DataTable caption="Outcome of each item" rows={items} rowKey={row => String(row.index)} columns={[
			{ key: 'index', label: 'Item', cell: row => row.index + 1 },
			{ key: 'outcome', label: 'Outcome', cell: row => words(row.outcome) },
			{ key: 'object', label: 'Object', cell: row => (row.kind ? `${row.kind} ${row.id ?? ''}` : '–') },
			{ key: 'message', label: 'Why', cell: row => (row.message ? <>{row.message} {row.pointer && <code>{row.pointer}</code>}</> : '') }
		]} />
	)
}
