// The shapes of answers, as openapi.yaml describes them; only what the pages read.

/** A fraction with six decimals, or money as text; null where the API says it cannot be said. */
export type Value = number | string | null

export interface Row<P = any> {
	key: string
	label: string | null
	period?: string
	value: Value
	numerator: Value
	denominator: Value
	n: number | null
	ci: [number, number] | null
	status: 'ok' | 'warn' | 'fail' | 'uncertain' | null
	low_n: boolean
	reason: string | null
	ci_reason: string | null
	excluded: Record<string, any>
	quality: { status: string | null; [name: string]: any }
	forms: Record<string, any>
	compare?: { period: string; value: Value; n: number | null; change: Value }
	parts: P
}

/** What every answer of a metric says about itself. */
export interface Terms {
	params: Record<string, any>
	currency: string | null
	time_zone: string
	as_of: string
	known_at: string
	strategy_versions: string[]
	backdated?: boolean
	fit_basis: string
	credit: string
	data_version: number
}

export interface MetricAnswer<P = any> extends Terms {
	metric: string
	metric_version: number
	by: string | null
	unit: string
	rows: Row<P>[]
	total: Row<P>
}

export interface AlignmentRow {
	key: string
	label: string | null
	period?: string
	metrics: Record<string, Row>
}

export interface AlignmentAnswer extends Terms {
	by: string | null
	rows: AlignmentRow[]
	total: { metrics: Record<string, Row> }
}

export interface MixKey {
	key: string
	label?: string | null
	target: number | null
	actual: number | null
	gap: number | null
	amount: string | null
	unplanned: boolean
}

export interface MixParts {
	realised: number
	sqrt_jsd: number
	keys: MixKey[]
}

export interface DictionaryEntry {
	key: string
	id: string
	version: number
	name: string
	formula: string
	unit: string
	terms: 'money' | 'count' | 'hours' | 'number'
	basis: string
	groupings: string[]
	null_rules: string
	note: string | null
	core: boolean
	has_rows: boolean
}

export interface List<T> {
	data: T[]
	next: string | null
}

export interface Session {
	org: string
	org_name: string
	/** Of the key. */
	name: string
	scopes: string[]
	read: 'all' | 'team' | 'self' | null
	rep: string | null
	team: string | null
	expires_at: string
	/** off: no figures of single reps. */
	rep_metrics: 'on' | 'off'
	time_zone: string
	currency: string | null
	min_n: number
}
