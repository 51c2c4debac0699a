//! Pages from a seed.

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use wfkit_metrics::quantile_of_sorted;
use wfkit_metrics::seed::mix;

use super::MOST_PAGES;
use crate::draws::normal;

/// Requests of a page at each twentieth of all pages, from the least to the most: the reference of EcoIndex, which was measured on half a
/// million pages of the HTTP Archive (`ecoindex_reference.json` of github.com/cnumr/ecoindex_reference, `nb_request`).
const REQUESTS: [f64; 21] = [
    0.0, 2.0, 15.0, 25.0, 34.0, 42.0, 49.0, 56.0, 63.0, 70.0, 78.0, 86.0, 95.0, 105.0, 117.0, 130.0, 147.0, 170.0,
    205.0, 281.0, 3920.0,
];

/// Kilobytes of a page, from the same (`response_size`).
const KILOBYTES: [f64; 21] = [
    0.0, 1.37, 144.7, 319.53, 479.46, 631.97, 783.38, 937.91, 1098.62, 1265.47, 1448.32, 1648.27, 1876.08, 2142.06,
    2465.37, 2866.31, 3401.59, 4155.73, 5400.08, 8037.54, 223_212.26,
];

/// The least and most tenths of a percent of pages are left out: nearly empty ones, and a few that are larger than all others.
const RANKS: std::ops::Range<f64> = 0.075..0.95;

/// How far the rank of a page's bytes may be from that of its requests: pages with more requests are larger, but not always.
const RANKS_DIFFER: f64 = 0.15;

/// A page's document, as a share of its bytes.
const DOCUMENT: std::ops::Range<f64> = 0.02..0.12;

/// Share of resources that only another one refers to, as style sheets do to fonts.
const FOUND_LATER: f64 = 0.25;

/// A subpage of a site shares so much of the site's first page: its first resources, such as style sheets and logos.
const SHARED: f64 = 0.5;

/// What slots show is one of so many.
pub(super) const SHOWN_IN_SLOTS: u32 = 30;

/// Shortest resource, in bytes.
const SHORTEST: f64 = 120.0;

/// A site: pages numbered from 1, and what their slots show.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    seed: u64,
    scale: f64,
    /// Share of resources that are others in every session than in the one before.
    drift: f64,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Bytes of its document, without what changes.
    pub document: u32,
    /// What it refers to, directly or not.
    pub resources: Vec<Resource>,
    /// Places that show something else at each load, or nothing.
    pub slots: u32,
}

/// A style sheet, a script, a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resource {
    /// Its bytes.
    pub bytes: u32,
    /// The resource that refers to it; none: the document does.
    pub found_in: Option<u32>,
}

/// The number of a page's subpage, from 0, which is the page itself.
pub(super) fn subpage(page: u32, at: u32) -> u32 {
    page + at * MOST_PAGES
}

impl Site {
    /// A site whose pages have so much of the requests and bytes of the web's.
    pub fn new(seed: u64, scale: f64) -> Self {
        Self { seed, scale, drift: 0.0 }
    }

    /// The same site, of which a share of the resources changes from session to session.
    #[must_use]
    pub fn with_drift(self, drift: f64) -> Self {
        Self { drift, ..self }
    }

    fn randomness(&self, of: u64) -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::seed_from_u64(mix(mix(self.seed, 4), of))
    }

    /// A page; always the same one. Numbers above [`MOST_PAGES`] are of subpages.
    pub fn page(&self, number: u32) -> Page {
        let first = (number.max(1) - 1) % MOST_PAGES + 1;
        let (own, first) = (self.by_itself(number), (first != number).then(|| self.by_itself(first)));
        let Some(first) = first else { return own };
        // Who refers to whom is known by number: what comes first stays first.
        let shared = (first.resources.len() as f64 * SHARED).ceil() as usize;
        let of_its_own = (own.resources.len() as f64 * (1.0 - SHARED)).floor() as usize;
        let rest = own.resources.iter().take(of_its_own).map(|resource| Resource { found_in: None, ..*resource });
        let resources = first.resources.iter().take(shared).copied().chain(rest).collect();
        Page { resources, ..own }
    }

    fn by_itself(&self, number: u32) -> Page {
        let mut randomness = self.randomness(number.into());
        let rank = randomness.random_range(RANKS);
        let other = rank + randomness.random_range(-RANKS_DIFFER..RANKS_DIFFER);
        let count = (quantile(&REQUESTS, rank) * self.scale).round().max(1.0) as u32;
        let bytes = quantile(&KILOBYTES, other.clamp(RANKS.start, RANKS.end)) * 1000.0 * self.scale;
        let document = (bytes * randomness.random_range(DOCUMENT)).max(10.0 * SHORTEST);
        // Few of a page's resources are most of its bytes.
        let weights: Vec<f64> = (0..count).map(|_| (2.0 * normal(&mut randomness)).exp()).collect();
        let all: f64 = weights.iter().sum();
        let mut resources: Vec<Resource> = Vec::new();
        for weight in weights {
            let bytes = ((bytes - document).max(0.0) * weight / all).max(SHORTEST) as u32;
            let at_hand = resources.iter().filter(|resource| resource.found_in.is_none()).count();
            let is_later = at_hand > 1 && randomness.random_bool(FOUND_LATER);
            // Only the first few refer to others: pictures do not.
            let found_in = is_later.then(|| randomness.random_range(0..at_hand.min(3) as u32));
            let found_in = found_in.filter(|&at| resources[at as usize].found_in.is_none());
            resources.push(Resource { bytes, found_in });
        }
        Page { document: document as u32, resources, slots: randomness.random_range(0..=3) }
    }

    /// A page as it is some sessions later: of what changed, each is up to three times as long as it was, or as short.
    pub fn page_in(&self, number: u32, session: u32) -> Page {
        let mut page = self.page(number);
        if self.drift == 0.0 {
            return page;
        }
        let parts = 1 + page.resources.len();
        for session in 1..=session {
            let mut randomness = self.randomness(mix(1 << 41 | u64::from(session), number.into()));
            for part in 0..parts {
                let (changes, factor) = (randomness.random_bool(self.drift), randomness.random_range(-1.0..1.0));
                let bytes = if part == 0 { &mut page.document } else { &mut page.resources[part - 1].bytes };
                if changes {
                    *bytes = (f64::from(*bytes) * 3_f64.powf(factor)).max(SHORTEST) as u32;
                }
            }
        }
        page
    }

    /// Which share of documents and resources is expected to be other than in the first session.
    pub(super) fn share_changed(&self, session: u32) -> f64 {
        1.0 - (1.0 - self.drift).powi(session as i32)
    }

    /// Bytes of something that slots show.
    pub(super) fn shown(&self, number: u32) -> u32 {
        let mut randomness = self.randomness(u64::from(number) | 1 << 40);
        (60e3 * self.scale * normal(&mut randomness).exp()).clamp(SHORTEST, 1e6) as u32
    }
}

/// Of a table of quantiles in equal steps.
fn quantile(table: &[f64; 21], at: f64) -> f64 {
    quantile_of_sorted(table, at).expect("the table has numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_as_many_requests_and_bytes_as_those_of_the_web() {
        let site = Site::new(7, 0.2);
        let pages: Vec<_> = (1..=2000).map(|number| site.page(number)).collect();
        let at = |mut values: Vec<f64>, share: f64| {
            values.sort_by(f64::total_cmp);
            values[(share * values.len() as f64) as usize]
        };
        let requests = |page: &Page| page.resources.len() as f64 / 0.2;
        let kilobytes = |page: &Page| {
            let resources: u32 = page.resources.iter().map(|resource| resource.bytes).sum();
            f64::from(page.document + resources) / 0.2 / 1000.0
        };
        for share in [0.25, 0.5, 0.75] {
            // Of what is left between the ranks.
            let rank = RANKS.start + share * (RANKS.end - RANKS.start);
            let requests = at(pages.iter().map(requests).collect(), share) / quantile(&REQUESTS, rank);
            assert!((requests - 1.0).abs() < 0.1, "requests at {share}: {requests}");
            let kilobytes = at(pages.iter().map(kilobytes).collect(), share) / quantile(&KILOBYTES, rank);
            assert!((kilobytes - 1.0).abs() < 0.15, "kilobytes at {share}: {kilobytes}");
        }
        assert_eq!(site.page(3), Site::new(7, 0.2).page(3));
        assert_ne!(site.page(3), site.page(4));
        assert!(pages.iter().any(|page| page.resources.iter().any(|resource| resource.found_in.is_some())));
        for resource in pages.iter().flat_map(|page| &page.resources) {
            assert!(resource.bytes >= 120);
        }
    }

    #[test]
    fn subpages_share_half_of_what_the_first_page_has() {
        let site = Site::new(7, 0.2);
        for number in 1..=50 {
            let (first, second) = (site.page(number), site.page(subpage(number, 1)));
            let shared = first.resources.iter().zip(&second.resources).take_while(|(one, other)| one == other).count();
            assert!(2 * shared >= first.resources.len(), "{first:?}, {second:?}");
            assert!(second.document != first.document && site.page(subpage(number, 2)) != second);
            assert!(second.resources.iter().filter_map(|part| part.found_in).all(|by| (by as usize) < shared.max(3)));
        }
        assert_eq!(subpage(3, 0), 3);
    }

    #[test]
    fn a_share_of_what_pages_have_changes_from_session_to_session() {
        let site = Site::new(7, 0.2).with_drift(0.2);
        let parts = |page: Page| [vec![page.document], page.resources.iter().map(|part| part.bytes).collect()].concat();
        for session in [0, 1, 3] {
            let (mut changed, mut all) = (0, 0);
            for number in 1..=200 {
                assert_eq!(site.page_in(number, session), site.page_in(number, session));
                let (before, after) = (parts(site.page(number)), parts(site.page_in(number, session)));
                assert_eq!(before.len(), after.len());
                changed += before.iter().zip(&after).filter(|(before, after)| before != after).count();
                all += before.len();
            }
            let share = changed as f64 / all as f64;
            assert!((share - site.share_changed(session)).abs() < 0.05, "{share} in session {session}");
        }
        assert_eq!(Site::new(7, 0.2).page_in(3, 5), Site::new(7, 0.2).page(3));
    }
}
