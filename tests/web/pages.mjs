// PLUMBLINE_PERIOD: the period that all look at, for data that ends in the past.
const asked = process.env.PLUMBLINE_PERIOD
const [quarter, year] = [asked ?? 'last_fq', asked ?? 'last_fy']

// The pages that every page check visits: a name for its screenshots, its address, and a heading that must be there when it is drawn
// (the first of the page where none is named).
// `group`: groups are tested beside each other. `{rep}` and the like are filled in from the API, so that the checks hold for any sample.
export const pages = [
	{ group: 'figures', name: 'summary', path: '/', query: `period=${quarter}`, heading: 'Plan and field' },
	{ group: 'figures', name: 'reps', path: '/reps', query: `period=${quarter}&compare_to=previous`, heading: 'Alignment by rep' },
	{ group: 'figures', name: 'rep', path: '/reps/{rep}', query: `period=${year}`, heading: 'What the numbers say' },
	{ group: 'figures', name: 'segments', path: '/segments', query: `period=${quarter}`, heading: 'Money and hours against the plan' },
	{ group: 'figures', name: 'segment', path: '/segments/{segment}', query: `period=${quarter}`, heading: 'In this period' },
	{ group: 'deals', name: 'offer', path: '/offer', query: `period=${quarter}`, heading: 'What is sold' },
	{ group: 'deals', name: 'accounts', path: '/accounts', query: `period=${quarter}`, heading: 'Accounts' },
	{ group: 'deals', name: 'account', path: '/accounts/{account}', heading: 'How well it fits' },
	{ group: 'deals', name: 'deals', path: '/deals', query: `period=${quarter}`, heading: 'Deals' },
	{ group: 'deals', name: 'deal', path: '/deals/{deal}', heading: 'How it was judged' },
	{ group: 'settings', name: 'strategies', path: '/strategies', heading: 'Versions' },
	{ group: 'settings', name: 'strategy', path: '/strategies/{strategy}' },
	{ group: 'settings', name: 'sources', path: '/sources', heading: 'Connected' },
	{ group: 'settings', name: 'source', path: '/sources/{source}', heading: 'Where it sends' },
	{ group: 'settings', name: 'quarantine', path: '/quarantine', heading: 'Items' },
	{ group: 'settings', name: 'quarantine-item', path: '/quarantine/{quarantine}', heading: 'What came' }
]

const first = (api, path) => api(path).then(body => encodeURIComponent(body.data[0].id))

/** What stands for the names in braces. */
export const stands = {
	rep: async api => encodeURIComponent((await api(`/v1/alignment?by=rep&period=${year}`)).rows[0].key),
	segment: async api => encodeURIComponent((await api(`/v1/metrics/segment_mix?period=${quarter}`)).total.parts.keys[0].key),
	account: api => first(api, '/v1/accounts?limit=1'),
	deal: api => first(api, '/v1/opportunities?limit=1'),
	strategy: api => first(api, '/v1/strategies?limit=1'),
	source: async api => (await api('/v1/sources')).data[0].source,
	quarantine: async api => (await api('/v1/quarantine')).data[0].id
}
