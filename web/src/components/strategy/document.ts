// The strategy document, as far as pages read it (openapi.yaml: Strategy), and its rules in words.
export interface Rule {
	attr?: string
	any?: Rule[]
	not?: Rule
	[operator: string]: unknown
}

export interface Strategy {
	id: string
	number?: number
	name: string
	status: 'draft' | 'publishing' | 'published'
	effective_from: string
	published_at?: string | null
	updated_at?: string | null
	scope?: { teams?: string[] }
	segments: { key: string; label?: string; when: Rule[]; target?: { bookings?: number; time?: number } }[]
	fit: {
		criteria: { key: string; weight: number; attr: string; match: Rule[] }[]
		required?: string[]
		disqualify?: Rule[]
		min_coverage?: number
		tiers: { key: string; min: number; on_strategy: boolean }[]
	}
	products?: Record<string, number>
	messages?: { key: string; label?: string; target?: number }[]
	opportunistic?: { limit?: number; easy_origins?: string[] }
	thresholds?: { metric: string; by: string; warn?: number; fail?: number; direction?: string }[]
	lint?: Warning[]
	[name: string]: unknown
}

export interface Warning {
	code: string
	pointer?: string
	message: string
}

/** What the service adds to a document; it is not written back. */
const ADDED = ['id', 'number', 'status', 'backdated', 'created_at', 'updated_at', 'published_at', 'effective_at', 'effective_to', 'lint', 'warnings', 'data_version']

export const bodyOf = (strategy: Strategy): Record<string, unknown> => Object.fromEntries(Object.entries(strategy).filter(([name]) => !ADDED.includes(name)))

const OPERATOR: Record<string, string> = { eq: 'is', ne: 'is not', in: 'is one of', not_in: 'is none of', gt: 'above', gte: 'at least', lt: 'below', lte: 'at most', contains: 'contains' }
const listed = (value: unknown): string => (Array.isArray(value) ? value.join(', ') : String(value))

/** `{"attr": "employees", "gte": 200, "lt": 5000}` → "employees at least 200, below 5000" */
export function inWords(rule: Rule, attr = rule.attr): string {
	if (rule.any) return rule.any.map(one => inWords(one, one.attr ?? attr)).join(' or ')
	if (rule.not) return `not (${inWords(rule.not, rule.not.attr ?? attr)})`
	const parts = Object.entries(rule).filter(([name]) => name in OPERATOR || name === 'exists').map(([name, value]) => (name === 'exists' ? (value ? 'is known' : 'is not known') : `${OPERATOR[name]} ${listed(value)}`))
	return `${attr ?? ''} ${parts.join(', ')}`.trim()
}

/** Where a version stands; `inForce`: ids of those that hold today. */
export function stateOf(strategy: Strategy, inForce: Set<string>): string {
	if (strategy.status === 'draft') return 'Draft'
	if (strategy.status === 'publishing') return 'Being published'
	if (inForce.has(strategy.id)) return 'In force'
	return strategy.effective_from > new Date().toISOString().slice(0, 10) ? 'To come' : 'Past'
}
