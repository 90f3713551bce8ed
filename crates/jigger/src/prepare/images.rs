//! Contenders' container images: built, measured, and settled for those that run from them.

use super::{Event, Interrupt, Listener, PrepareError, run_to_end};
use crate::image::{Engine, Image, NoEngine, engine_line, made_by, measure_reference, own_bytes};
use crate::record::{
    BigFileRecord, ContainerRecord, ContenderRecord, ImageRecord, LayerRecord, Status,
};
use crate::server::Diagnostic as _;
use crate::suite::{Contender, ImageRecipe, InContainer, Placeholders, Suite};

/// Adds each contender's image to its record, and how it runs in a container where it does. Without
/// an engine, the reason why there is none is added instead.
pub(super) fn add(
    suite: &Suite,
    engine: Result<&Engine, &NoEngine>,
    records: &mut [ContenderRecord],
    interrupt: &Interrupt,
    listener: &mut Listener<'_>,
) {
    let mut measured: Vec<(usize, Image)> = Vec::new();
    for (at, contender) in suite.contenders.iter().enumerate() {
        let Some(recipe) = contender.image.as_ref().filter(|_| has_its_own(contender)) else {
            continue;
        };
        if records[at].status != Status::Measured || interrupt.is_raised() {
            continue;
        }
        let step = "building and measuring the image of";
        listener(Event::Preparing { contender: contender.name.clone(), step });
        match image(suite, contender, recipe, engine, interrupt) {
            Ok(image) => measured.push((at, image)),
            Err(error) => records[at].image_reason = Some(error.in_full()),
        }
    }
    add_sizes(records, measured);
    for (at, contender) in suite.contenders.iter().enumerate() {
        if let Some(place) = &contender.container {
            settle(suite, at, place, records, listener);
        }
    }
}

/// A contender's second entry runs from the first one's image.
fn has_its_own(contender: &Contender) -> bool {
    contender.container.as_ref().is_none_or(|place| place.of == contender.name)
}

fn add_sizes(records: &mut [ContenderRecord], measured: Vec<(usize, Image)>) {
    let images: Vec<Image> = measured.iter().map(|(_, image)| image.clone()).collect();
    let names: Vec<String> = measured.iter().map(|(at, _)| records[*at].name.clone()).collect();
    for (nth, ((at, image), own_bytes)) in measured.into_iter().zip(own_bytes(&images)).enumerate()
    {
        let engine_note = engine_line(&image);
        let layers = layers(nth, &images, &names);
        records[at].image = Some(ImageRecord {
            reference: image.reference,
            engine: image.engine.unwrap_or_default(),
            unpacked_bytes: image.unpacked_bytes,
            transfer_bytes: image.transfer_bytes,
            own_bytes,
            wasted_bytes: image.wasted_bytes,
            engine_says_bytes: image.engine_says_bytes,
            engine_note,
            layers,
        });
    }
}

/// The layers of the `nth` image, each with the others that have it too.
fn layers(nth: usize, images: &[Image], names: &[String]) -> Vec<LayerRecord> {
    let shared_with = |digest: &str| {
        let others = images.iter().enumerate().filter(|(other, _)| *other != nth);
        let sharing =
            others.filter(|(_, image)| image.layers.iter().any(|layer| layer.digest == digest));
        sharing.map(|(other, _)| names[other].clone()).collect()
    };
    let layers = images[nth].layers.iter();
    layers
        .map(|layer| LayerRecord {
            shared_with: shared_with(&layer.digest),
            digest: layer.digest.clone(),
            created_by: made_by(&layer.created_by),
            unpacked_bytes: layer.unpacked_bytes,
            transfer_bytes: layer.transfer_bytes,
            wasted_bytes: layer.wasted_bytes,
            files: layer.files,
            biggest: layer
                .biggest
                .iter()
                .map(|file| BigFileRecord { path: file.path.clone(), bytes: file.bytes })
                .collect(),
        })
        .collect()
}

/// Puts into the record how a contender runs in its container, or why it cannot.
fn settle(
    suite: &Suite,
    at: usize,
    place: &InContainer,
    records: &mut [ContenderRecord],
    listener: &mut Listener<'_>,
) {
    if records[at].status != Status::Measured {
        return;
    }
    let contender = &suite.contenders[at];
    let Some(source) = records.iter().find(|record| record.name == place.of) else { return };
    let reason = source.reason.clone().or_else(|| source.image_reason.clone());
    let Some(image) = source.image.clone() else {
        let (status, reason) = match (&contender.image, reason) {
            (None, _) => (Status::Skipped, "it has no image to run from".to_owned()),
            (_, Some(reason)) => (Status::Failed, format!("there is no image: {reason}")),
            (_, None) => (Status::Failed, "it has no image".to_owned()),
        };
        records[at].status = status;
        records[at].reason = Some(reason.clone());
        listener(Event::LeftOut { contender: contender.name.clone(), reason });
        return;
    };
    let record = &mut records[at];
    record.start = [&image.engine, "run", &image.reference].map(str::to_owned).to_vec();
    record.start.extend(contender.image_start.arguments.iter().cloned());
    record.environment = contender.image_start.environment.clone();
    record.container = Some(ContainerRecord {
        of: place.of.clone(),
        image: image.reference.clone(),
        engine: image.engine.clone(),
        network: suite.container_limits.network.name().to_owned(),
        cpus: suite.container_limits.cpus,
        memory_bytes: suite.container_limits.memory_bytes,
    });
    record.image = Some(image);
}

fn image(
    suite: &Suite,
    contender: &Contender,
    recipe: &ImageRecipe,
    engine: Result<&Engine, &NoEngine>,
    interrupt: &Interrupt,
) -> Result<Image, PrepareError> {
    let engine = engine.map_err(|why| PrepareError::NoEngine(why.clone()))?;
    let reference = match recipe {
        ImageRecipe::Reference(reference) => reference.clone(),
        ImageRecipe::Build(command) => {
            let tag =
                format!("jigger-{}/{}", suite.name.to_lowercase(), contender.name.to_lowercase());
            let filled = Placeholders::default()
                .with("engine", engine.program.name())
                .with("tag", &tag)
                .fill_all(command)
                .map_err(|source| PrepareError::Placeholder { key: "image.build", source })?;
            run_to_end(&engine.own_command(filled), &contender.directory, interrupt)?;
            tag
        }
    };
    Ok(measure_reference(engine, &reference)?)
}
